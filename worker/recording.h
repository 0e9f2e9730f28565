// recording: what a cinema was asked and what it replied, a line of JSON for each, so that it can
// be replayed without it.
//
//   {"at_ms":1764000000000,"done_ms":1764000000143,"request":"POST https://…?…","code":200,
//    "took_ms":143,"type":"application/json","body":"…"}
//   `error` instead when there was no reply, `retry_after` in seconds. Asked at `at_ms`; at
//   `done_ms` the last of those that were asked together had its reply. `again`: it was worth
//   asking once more.
//
// Headers of requests, which may hold secrets, are not in it. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "worker/source.h"

namespace oneloop::worker {

struct Recorded {
    WallTime at;
    WallTime done;
    std::string request;  // name_of_request
    HttpReply reply;
};

// The same for the same question.
std::string name_of_request(const HttpRequest& request);

// With its line end.
std::string to_line(const Recorded& recorded);
// Nothing: it is none.
std::optional<Recorded> from_line(std::string_view line);

}  // namespace oneloop::worker
