// HttpSite: what the server asks to answer a request, and to go on with a stream.
//
// So that sockets (http_server.h) and answers (api.h) know nothing of each other. All of it is
// called on the HTTP thread, but Later::work.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <variant>

#include "worker/http_answer.h"

namespace oneloop::worker {

// An answer that takes a while: made on another thread, one at a time. The token stops when the
// server does.
struct Later {
    std::function<HttpAnswer(const std::stop_token&)> work;
};
// Server-sent events from here on.
struct StreamFrom {
    std::int64_t after = 0;  // the id that the client has seen last
};
using Said = std::variant<HttpAnswer, Later, StreamFrom>;

class HttpSite {
  public:
    virtual ~HttpSite() = default;

    // `streams`: how many there are now.
    virtual Said answer(const HttpAsk& ask, std::size_t streams) = 0;
    // What every answer carries beside its own fields, also those that the server makes itself.
    virtual void dress(HttpAnswer& answer) const = 0;
    // The first words of a stream.
    virtual std::string stream_opening(StreamFrom& place) = 0;
    // What there is after `place`, which moves on; a bounded part of it. Empty: nothing yet.
    virtual std::string stream_more(StreamFrom& place) = 0;
    // Grows when stream_more has something new. Cheap.
    virtual std::int64_t newest() = 0;
};

}  // namespace oneloop::worker
