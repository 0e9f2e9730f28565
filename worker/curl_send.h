// CurlSend: hands one payload to libcurl, and stores "armed" before the receiver gets its end.
//
// Not for reading polls (fetcher.h), and not for what the end means (verdict.h). libcurl waits for
// an answer to the end of a mail inside one call, whatever its time-outs say, and for the answer to
// QUIT in its clean-up: a stop shuts the socket down under it, unless an answer is still wanted.
// One thread, but for the stop.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "worker/curl.h"
#include "worker/verdict.h"

namespace oneloop::worker {

// Called once, before the end of the payload is handed over. False: it must not be.
using Arm = std::function<bool()>;

class CurlSend {
  public:
    // A receiver that counts has the payload with its last byte; one that waits for an end (the dot
    // of SMTP) has it only afterwards.
    enum class End { last_byte, afterwards };

    CurlSend(std::string_view payload, End end, Arm arm, std::stop_token stop,
             std::chrono::milliseconds timeout);
    CurlSend(const CurlSend&) = delete;
    CurlSend& operator=(const CurlSend&) = delete;

    template <class Value>
    void set(CURLoption option, Value value) {
        must(curl_easy_setopt(easy_.get(), option, value));
    }
    // The same for a text that has to live as long as the transfer is prepared; libcurl copies it.
    void set(CURLoption option, const std::string& value) { set(option, value.c_str()); }
    void add(CurlList& list, CURLoption option, const std::string& value);

    // Blocks for as long as the time-outs allow; after a stop for as long as an answer is wanted.
    Exchange perform();

  private:
    static void must(CURLcode code);
    static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static int on_debug(CURL* easy, curl_infotype type, char* data, std::size_t size, void* self);
    static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int on_close(void* self, curl_socket_t socket);
    static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
    std::size_t read(char* to, std::size_t room);
    bool may_end();
    void interrupt();

    std::string_view payload_;
    End end_;
    Arm arm_;
    std::stop_token stop_;
    std::size_t done_ = 0;
    std::string answer_;
    bool addressed_ = false;
    bool leaving_ = false;  // QUIT was said
    bool forbidden_ = false;
    char error_[CURL_ERROR_SIZE] = {};

    std::mutex mutex_;  // the socket and what a stop may do to it
    curl_socket_t socket_ = CURL_SOCKET_BAD;
    bool armed_ = false;
    bool waiting_ = false;  // armed, and no answer yet

    std::stop_callback<std::function<void()>> on_stop_;
    CurlEasy easy_;  // last: its clean-up waits for the answer to QUIT, until a stop, and closes
};

}  // namespace oneloop::worker
