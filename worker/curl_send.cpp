#include "worker/curl_send.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_answer = 512;

}  // namespace

void CurlSend::must(CURLcode code) {
    if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
}

CurlSend::CurlSend(std::string_view payload, End end, Arm arm, std::stop_token stop,
                   std::chrono::milliseconds timeout)
    : payload_(payload),
      end_(end),
      arm_(std::move(arm)),
      stop_(std::move(stop)),
      on_stop_(stop_, [this] { interrupt(); }),
      easy_(make_easy()) {
    set(CURLOPT_NOSIGNAL, 1L);
    // Without it a dead resolver blocks for ten seconds in spite of the time-out.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(4 * timeout.count()));
    // Of each answer, that to QUIT included, which is waited for without any other limit.
    set(CURLOPT_SERVER_RESPONSE_TIMEOUT,
        std::max(1L, static_cast<long>(std::chrono::ceil<std::chrono::seconds>(timeout).count())));
    // The connection goes with the handle, after the outcome is known: with CURLOPT_FORBID_REUSE
    // libcurl says QUIT before it returns, and waits for the answer.
    set(CURLOPT_ERRORBUFFER, &error_[0]);
    set(CURLOPT_READFUNCTION, &CurlSend::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_HEADERFUNCTION, &CurlSend::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &CurlSend::on_body);
    set(CURLOPT_DEBUGFUNCTION, &CurlSend::on_debug);
    set(CURLOPT_DEBUGDATA, this);
    set(CURLOPT_VERBOSE, 1L);  // to on_debug alone
    set(CURLOPT_OPENSOCKETFUNCTION, &CurlSend::on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
    set(CURLOPT_CLOSESOCKETFUNCTION, &CurlSend::on_close);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &CurlSend::on_progress);
    set(CURLOPT_XFERINFODATA, this);
}

void CurlSend::add(CurlList& list, CURLoption option, const std::string& value) {
    append(list, value.c_str());
    set(option, list.get());
}

Exchange CurlSend::perform() {
    const CURLcode result = curl_easy_perform(easy_.get());
    Exchange exchange;
    {
        const std::lock_guard lock(mutex_);
        waiting_ = false;
        exchange.armed = armed_;
    }
    if (stop_.stop_requested()) interrupt();  // nobody waits for what is left to be said
    long code = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
    exchange.complete = result == CURLE_OK;
    exchange.stopped = !exchange.complete && (stop_.stop_requested() || forbidden_);
    exchange.code = static_cast<int>(code);
    exchange.answer = answer_;
    exchange.addressed = addressed_;
    if (!exchange.complete) exchange.error = error_[0] ? error_ : curl_easy_strerror(result);
    return exchange;
}

// Called by whoever asks for the stop. While an answer is wanted, it is waited for: that is what
// keeps a reload out of the only window in which nobody knows.
void CurlSend::interrupt() {
    const std::lock_guard lock(mutex_);
    if (!waiting_ && socket_ != CURL_SOCKET_BAD) ::shutdown(socket_, SHUT_RDWR);
}

bool CurlSend::may_end() {
    if (armed_) return true;
    {
        const std::lock_guard lock(mutex_);
        // From here on a stop waits, so that it can't come between the two.
        waiting_ = true;
    }
    const bool allowed = !stop_.stop_requested() && arm_();
    const std::lock_guard lock(mutex_);
    armed_ = allowed;
    waiting_ = allowed;
    forbidden_ = !allowed;
    return allowed;
}

std::size_t CurlSend::read(char* to, std::size_t room) {
    const std::size_t size = std::min(room, payload_.size() - done_);
    const bool last = done_ + size == payload_.size();
    const bool ends = end_ == End::last_byte ? last : size == 0;
    if (ends && !may_end()) return CURL_READFUNC_ABORT;
    std::memcpy(to, payload_.data() + done_, size);
    done_ += size;
    return size;
}

std::size_t CurlSend::on_read(char* to, std::size_t size, std::size_t count, void* self) {
    return static_cast<CurlSend*>(self)->read(to, size * count);
}

std::size_t CurlSend::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    const std::string_view line(data, size * count);
    auto& send = *static_cast<CurlSend*>(self);
    if (!send.leaving_ && !line.empty() && line[0] >= '0' && line[0] <= '9')
        send.answer_ = line.substr(0, std::min(line.find_last_not_of("\r\n") + 1, longest_answer));
    return size * count;
}

std::size_t CurlSend::on_body(char*, std::size_t size, std::size_t count, void*) {
    return size * count;  // what a receiver tells beside its status is not kept
}

int CurlSend::on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* self) {
    if (type != CURLINFO_HEADER_OUT) return 0;
    auto& send = *static_cast<CurlSend*>(self);
    const std::string_view said(data, size);
    if (said.starts_with("MAIL FROM:")) send.addressed_ = true;
    // After a refusal it is said before perform returns, and its answer is not the last word.
    if (said.starts_with("QUIT")) send.leaving_ = true;
    return 0;
}

// About once a second while a name is looked up, when there is no socket yet to shut down.
int CurlSend::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    auto& send = *static_cast<CurlSend*>(self);
    const std::lock_guard lock(send.mutex_);
    return send.stop_.stop_requested() && !send.waiting_ ? 1 : 0;
}

curl_socket_t CurlSend::on_open(void* self, curlsocktype, curl_sockaddr* address) {
    auto& send = *static_cast<CurlSend*>(self);
    if (send.stop_.stop_requested()) return CURL_SOCKET_BAD;
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    const std::lock_guard lock(send.mutex_);
    send.socket_ = fd;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

int CurlSend::on_close(void* self, curl_socket_t socket) {
    auto& send = *static_cast<CurlSend*>(self);
    {
        const std::lock_guard lock(send.mutex_);
        if (send.socket_ == socket) send.socket_ = CURL_SOCKET_BAD;
    }
    return ::close(socket);
}

}  // namespace oneloop::worker
