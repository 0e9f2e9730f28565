// Fetcher: sends the requests of one tick and returns when all are answered or a stop is asked for.
//
// One curl_multi handle, kept between ticks for its connections, driven in the caller's thread with
// curl_multi_poll: cheaper than an event loop here, and woken from outside by curl_multi_wakeup.
// Not for reading replies (feed.h) and not for pacing (schedule.h). Used by the polling thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "worker/source.h"

namespace oneloop::worker {

class Fetcher {
  public:
    static constexpr std::size_t largest_body = 8U << 20;  // bytes; longer is an error
    static constexpr std::size_t parallel = 2;             // requests at a time

    // `came_round` is called at least once a `round` while fetch() waits. To be constructed before
    // other threads exist (curl_global_init).
    explicit Fetcher(std::chrono::milliseconds round = std::chrono::seconds(1),
                     std::function<void()> came_round = {});
    ~Fetcher();
    Fetcher(const Fetcher&) = delete;
    Fetcher& operator=(const Fetcher&) = delete;

    // One reply per request, in their order. A request that got no HTTP reply has `error` set. A
    // stop ends everything within 50 ms; the unanswered say "stopped".
    // Only http and https, certificates verified; redirects are not followed, since a cinema that
    // sends us elsewhere is refusing.
    std::vector<HttpReply> fetch(const std::vector<HttpRequest>& requests, std::stop_token stop);

  private:
    struct Engine;
    std::chrono::milliseconds round_;
    std::function<void()> came_round_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace oneloop::worker
