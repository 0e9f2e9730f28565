// feed: what a reply of the cinema says.
//
// "Nothing yet", "go away" and "I speak another language now" are three answers; a program that
// takes the last two for the first is silent exactly when it should not be.
// Not for sending (fetcher.h), not for telling news from known (diff.h). Pure; any thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "worker/item.h"
#include "worker/source.h"

namespace oneloop::worker {

// The dates that a reply lists, and whether they have showtimes. Empty: it has no readable list.
using Listed = std::map<Date, bool>;

struct Rows {
    std::vector<Item> items;  // never empty
    Listed listed = {};
};
struct Empty {
    std::string reason;
    Listed listed = {};
};
struct Blocked {
    std::string reason;
    bool overload = false;  // the server asked for calm: cool down at least 30 s
    std::optional<std::chrono::seconds> retry_after;
};
struct ChangedShape {
    std::string reason;
};
using Answer = std::variant<Rows, Empty, Blocked, ChangedShape>;

// Reads a reply to the question about `date`. `reply.error` must be empty: without an HTTP reply
// there is nothing to read.
Answer read_reply(const HttpReply& reply, const SourceSpec& spec, Date date, Date today);

// Retry-After, RFC 9110 10.2.3, in its form of seconds (fetcher.cpp knows the date form, which
// needs a clock). At most one hour.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value);

}  // namespace oneloop::worker
