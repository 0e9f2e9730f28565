// SourceSpec: where showtimes come from and how a reply is read, as data. A cinema is a table like
// this one (presets.h), not a class.
//
// Not for sending anything (fetcher.h) or reading a reply (feed.h). Plain values; any thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/calendar.h"

namespace oneloop::worker {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// How one field of an Item is made from a row.
struct FieldSpec {
    std::vector<std::string> from;      // names in the row; the first that has a value counts
    std::string text;                   // or a template over the row: "https://x/{playSchdlNo}"
    std::optional<std::string> equals;  // booleans: true when the value is this
    bool fallback = true;               // booleans: what a missing value means
    // Numbers: a value that is none is a changed shape. Otherwise it is unknown.
    bool strict = false;
};

// The list of dates that some replies carry: proof that a date without showtimes is closed and the
// reply is not broken, and the reason not to ask about such a date at all (inquiry.h).
struct DateList {
    std::string items;   // JSON pointer to the list
    std::string date;    // field with the date, YYYYMMDD
    std::string field;   // field that says whether the date has showtimes...
    std::string equals;  // ...when it has this value
};

struct OkTest {
    std::string at;      // JSON pointer
    std::string equals;  // compared as text, so that 0 and "0" are the same
};

struct SourceSpec {
    enum class Body { none, form, json };

    std::string method = "GET";
    std::string name;  // told apart by it when a watch has several: a branch
    std::string url;   // this and all values below may hold {date:%Y%m%d} and {today:%Y%m%d}
    Pairs headers;
    Body body = Body::none;
    Pairs form;
    std::string json;

    std::optional<OkTest> ok;
    std::vector<std::string> require;  // JSON pointers that a good reply has
    std::string items;                 // JSON pointer to the list of rows
    std::string id;                    // template over a row
    bool unescape = false;
    std::vector<std::string> block_markers;  // texts that only a refusal contains
    // What the reply must repeat from the question: a field of each row, or a JSON pointer. "a|b":
    // one of them.
    Pairs same;
    std::map<std::string, FieldSpec> fields;
    std::optional<DateList> dates;
};

enum class Http2 {
    automatic,  // where TLS is spoken and the server has it
    on,         // nothing else, without TLS too
    off,
};

// One request, ready to send.
struct HttpRequest {
    std::string method;
    std::string url;
    Pairs headers;
    SourceSpec::Body body = SourceSpec::Body::none;
    Pairs form;        // not yet URL-encoded
    std::string json;  // when body is json
    std::string user_agent;
    std::string ca;  // a file of certificates to trust; empty: the system's
    std::chrono::milliseconds timeout{10'000};
    std::optional<std::string> proxy;  // a URL, or "" for none; not set: the environment's
    Http2 http2 = Http2::automatic;
};

// What came back: `error` is set when there was no HTTP reply at all.
struct HttpReply {
    std::string error;
    int code = 0;
    std::string content_type;
    std::string body;
    std::string etag;  // as they came, for the next request
    std::string last_modified;
    std::optional<std::chrono::seconds> retry_after;
    std::chrono::milliseconds took{0};
    bool again = false;  // no reply, for a reason that may be gone when it is asked once more
};

// The request for one date.
HttpRequest make_request(const SourceSpec& spec, Date date, Date today);

}  // namespace oneloop::worker
