// Memo: replies that need not be fetched a second time.
//
// Two watches that ask the same at the same time share one reply; and of a reply that came with an
// ETag or Last-Modified the server is asked only whether it still holds (RFC 9110, 13.1), which
// costs neither side the body. In memory: a new worker asks for everything once.
// Reads no clock. Pure; one thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "common/clock.h"
#include "worker/source.h"

namespace oneloop::worker {

class Memo {
  public:
    static constexpr std::size_t most_bytes = 32U << 20;  // of all bodies; the oldest go

    // The same for requests that get the same reply.
    static std::string key_of(const HttpRequest& request);

    // What the question got at `since` or later; null: ask.
    [[nodiscard]] const HttpReply* recent(const std::string& key, BootTime since) const;

    // Adds the conditions, if the request is a GET and there is a reply to confirm.
    void add_conditions(const std::string& key, HttpRequest& request) const;

    // What is to be read in its place: itself, or, for a 304, the reply that it confirms (with the
    // time that this exchange took). Remembers it when `shared` or when it can be confirmed later.
    HttpReply keep(const std::string& key, HttpReply reply, BootTime at, bool shared);

    // The reply was no answer: it must not be confirmed for ever.
    void distrust(const std::string& key);

  private:
    struct Entry {
        HttpReply reply;
        BootTime at;
    };
    void forget(const std::string& key);
    void make_room(std::size_t size);

    std::map<std::string, Entry> entries_;
    std::size_t bytes_ = 0;
};

}  // namespace oneloop::worker
