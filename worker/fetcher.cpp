#include "worker/fetcher.h"

#include <strings.h>

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <string>

#include "worker/curl.h"
#include "worker/feed.h"

namespace oneloop::worker {
namespace {

using std::string;

// One request in flight: everything libcurl points into lives here, at a fixed address.
struct Transfer {
    CurlEasy easy = make_easy();
    CurlList headers;
    string body_to_send;
    char error[CURL_ERROR_SIZE] = {};
    HttpReply* reply = nullptr;
    bool too_long = false;
    Http2 http2 = Http2::automatic;
};

// Sets an option; a failure would be a bug of ours or no memory.
template <class Value>
void set(Transfer& transfer, CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(transfer.easy.get(), option, value);
    if (code != CURLE_OK) throw std::runtime_error(curl_easy_strerror(code));
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    string& body = transfer.reply->body;
    if (body.size() + size > Fetcher::largest_body) {
        transfer.too_long = true;
        return 0;  // ends the transfer with CURLE_WRITE_ERROR
    }
    body.append(data, size);
    return size;
}

// The value of a header line if it is the one called `name`, without blanks around it.
std::optional<string> value_of(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
    if (::strncasecmp(line.data(), name.data(), name.size()) != 0) return std::nullopt;
    line.remove_prefix(name.size() + 1);
    const auto first = line.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return string();
    return string(line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1));
}

// RFC 9110, 10.2.3: seconds, or a date, which means as long as it is away.
std::optional<std::chrono::seconds> retry_after(const string& value) {
    if (const auto seconds = parse_retry_after(value)) return seconds;
    const time_t date = ::curl_getdate(value.c_str(), nullptr);
    if (date == -1) return std::nullopt;
    const auto left = std::max<std::int64_t>(date - ::time(nullptr), 0);
    return parse_retry_after(std::to_string(std::min<std::int64_t>(left, 3600)));
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    HttpReply& reply = *static_cast<Transfer*>(user)->reply;
    const std::string_view line(data, size);
    if (const auto wait = value_of(line, "retry-after")) reply.retry_after = retry_after(*wait);
    if (const auto tag = value_of(line, "etag")) reply.etag = *tag;
    if (const auto date = value_of(line, "last-modified")) reply.last_modified = *date;
    return size;
}

string encoded(CURL* easy, const string& text) {
    char* out = curl_easy_escape(easy, text.data(), static_cast<int>(text.size()));
    if (!out) throw std::bad_alloc();
    string result(out);
    curl_free(out);
    return result;
}

void set_body(Transfer& transfer, const HttpRequest& request) {
    using Body = SourceSpec::Body;
    if (request.body == Body::json) {
        transfer.body_to_send = request.json;
        append(transfer.headers, "Content-Type: application/json; charset=UTF-8");
    } else {
        for (const auto& [name, value] : request.form) {
            if (!transfer.body_to_send.empty()) transfer.body_to_send += '&';
            transfer.body_to_send +=
                encoded(transfer.easy.get(), name) + "=" + encoded(transfer.easy.get(), value);
        }
    }
    // Without it libcurl waits up to a second for "100 Continue" before a longer body.
    append(transfer.headers, "Expect:");
    set(transfer, CURLOPT_POST, 1L);
    set(transfer, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer.body_to_send.size()));
    set(transfer, CURLOPT_POSTFIELDS, transfer.body_to_send.c_str());
}

long http_version(const HttpRequest& request) {
    switch (request.http2) {
        case Http2::on:
            // With TLS both sides agree on it, and finish() looks at what they agreed on.
            if (!request.url.starts_with("https:")) return CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
            return CURL_HTTP_VERSION_2TLS;
        case Http2::off:
            return CURL_HTTP_VERSION_1_1;
        case Http2::automatic:
            break;
    }
    return CURL_HTTP_VERSION_2TLS;
}

// What a network does for a moment, and not what a server or a configuration means.
bool may_pass(CURLcode result) {
    switch (result) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_PARTIAL_FILE:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return true;
        default:
            return false;
    }
}

void prepare(Transfer& transfer, const HttpRequest& request) {
    transfer.http2 = request.http2;
    set(transfer, CURLOPT_URL, request.url.c_str());
    set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    set(transfer, CURLOPT_HTTP_VERSION, http_version(request));
    if (request.proxy) {
        // It is meant, whatever the environment says of this host.
        set(transfer, CURLOPT_PROXY, request.proxy->c_str());
        set(transfer, CURLOPT_NOPROXY, "");
    }
    if (!request.ca.empty()) set(transfer, CURLOPT_CAINFO, request.ca.c_str());
    set(transfer, CURLOPT_SSL_VERIFYPEER, 1L);
    set(transfer, CURLOPT_SSL_VERIFYHOST, 2L);
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    // Without it a dead resolver blocks for ten seconds in spite of the time-out.
    set(transfer, CURLOPT_QUICK_EXIT, 1L);
    set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.timeout.count()));
    set(transfer, CURLOPT_USERAGENT, request.user_agent.c_str());
    set(transfer, CURLOPT_ACCEPT_ENCODING, "");  // whatever this libcurl can decode
    set(transfer, CURLOPT_ERRORBUFFER, transfer.error);
    set(transfer, CURLOPT_WRITEFUNCTION, on_body);
    set(transfer, CURLOPT_WRITEDATA, &transfer);
    set(transfer, CURLOPT_HEADERFUNCTION, on_header);
    set(transfer, CURLOPT_HEADERDATA, &transfer);
    set(transfer, CURLOPT_PRIVATE, &transfer);
    for (const auto& [name, value] : request.headers) {
        append(transfer.headers, (name + ": " + value).c_str());
    }
    if (request.method == "POST") set_body(transfer, request);
    set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
}

void finish(Transfer& transfer, CURLcode result) {
    HttpReply& reply = *transfer.reply;
    CURL* easy = transfer.easy.get();
    long code = 0;
    curl_off_t took = 0;
    const char* type = nullptr;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took);
    curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
    reply.code = static_cast<int>(code);
    reply.took = std::chrono::milliseconds(took / 1000);
    reply.content_type = type ? type : "";
    reply.error.clear();
    long version = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
    if (transfer.too_long) {
        reply.error = "the reply is longer than 8 MiB";
    } else if (result == CURLE_OK && transfer.http2 == Http2::on &&
               version != CURL_HTTP_VERSION_2_0) {
        reply.error = "the server does not speak HTTP/2 (http2 = \"on\")";
        reply.code = 0;
    } else if (result != CURLE_OK) {
        reply.error = transfer.error[0] ? transfer.error : curl_easy_strerror(result);
        reply.again = may_pass(result);
    }
    if (!reply.error.empty()) reply.body.clear();
}

}  // namespace

struct Fetcher::Engine {
    CurlMulti multi = make_multi();

    // Takes finished transfers out of the multi handle; returns how many.
    std::size_t collect() {
        std::size_t count = 0;
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode result = message->data.result;  // `message` dies with the removal
            CURL* easy = message->easy_handle;
            void* user = nullptr;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
            finish(*static_cast<Transfer*>(user), result);
            curl_multi_remove_handle(multi.get(), easy);
            ++count;
        }
        return count;
    }
};

Fetcher::Fetcher(std::chrono::milliseconds round, std::function<void()> came_round)
    : round_(round), came_round_(std::move(came_round)) {
    init_curl();
    engine_ = std::make_unique<Engine>();
}

Fetcher::~Fetcher() = default;

std::vector<HttpReply> Fetcher::fetch(const std::vector<HttpRequest>& requests,
                                      std::stop_token stop) {
    CURLM* multi = engine_->multi.get();
    std::vector<HttpReply> replies(requests.size());
    for (HttpReply& reply : replies)
        reply.error = "stopped";
    std::vector<std::unique_ptr<Transfer>> transfers;
    const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
    std::size_t done = 0;
    while (done < requests.size() && !stop.stop_requested()) {
        while (transfers.size() < requests.size() && transfers.size() - done < parallel) {
            const std::size_t index = transfers.size();
            auto transfer = std::make_unique<Transfer>();
            transfer->reply = &replies[index];
            prepare(*transfer, requests[index]);
            curl_multi_add_handle(multi, transfer->easy.get());
            transfers.push_back(std::move(transfer));
        }
        int running = 0;
        curl_multi_perform(multi, &running);
        const std::size_t ended = engine_->collect();
        done += ended;
        // libcurl shortens the wait to its own next time-out.
        if (ended == 0)
            curl_multi_poll(multi, nullptr, 0, static_cast<int>(round_.count()), nullptr);
        if (came_round_) came_round_();
    }
    // After a stop: what is still running is dropped with its connection. Removing one that has
    // ended already does nothing.
    for (const auto& transfer : transfers)
        curl_multi_remove_handle(multi, transfer->easy.get());
    return replies;
}

}  // namespace oneloop::worker
