#include "worker/curl_look.h"

#include <algorithm>

#include "worker/curl.h"
#include "worker/text.h"

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_answer = 64 * 1024;

std::size_t keep(char* data, std::size_t size, std::size_t count, void* to) {
    auto& answer = *static_cast<std::string*>(to);
    const std::size_t room = longest_answer - std::min(answer.size(), longest_answer);
    answer.append(data, std::min(size * count, room));
    return size * count;
}

// About once a second.
int on_progress(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

std::string escaped(CURL* easy, const std::string& text) {
    const std::unique_ptr<char, decltype(&curl_free)> made(
        curl_easy_escape(easy, text.data(), static_cast<int>(text.size())), &curl_free);
    return made ? made.get() : "";
}

// "* SEARCH 2 84": the numbers of the messages that were found, perhaps none.
bool lists_one(const std::string& answer) {
    const std::string word = "* SEARCH";
    const auto found = answer.find(word);
    if (found == std::string::npos) return false;
    const std::string rest = answer.substr(
        found + word.size(), answer.find_first_of("\r\n", found) - found - word.size());
    return rest.find_first_of("0123456789") != std::string::npos;
}

}  // namespace

Look look_for(const Channel& channel, const std::string& id, const std::stop_token& stop) {
    const CurlEasy easy = make_easy();
    CURL* handle = easy.get();
    const Mailbag& bag = channel.verify;
    char error[CURL_ERROR_SIZE] = {};
    std::string answer;
    // The URL's query is the search (libcurl, "IMAP"). libcurl refuses line ends in it.
    const std::string url = bag.url + (bag.url.ends_with('/') ? "" : "/") +
                            escaped(handle, bag.folder) + "?" +
                            escaped(handle, "HEADER Message-ID \"" + id + "\"");
    const long timeout = static_cast<long>(channel.timeout.count());
    const bool clear = channel.tls == Channel::Tls::off;
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "imap,imaps");
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle, CURLOPT_USE_SSL,
                     static_cast<long>(clear ? CURLUSESSL_NONE : CURLUSESSL_ALL));
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!channel.ca.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, channel.ca.c_str());
    curl_easy_setopt(handle, CURLOPT_USERNAME, bag.user.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, bag.password.value.c_str());
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout);
    // Of LOGOUT too, which the clean-up waits for without any other limit.
    curl_easy_setopt(handle, CURLOPT_SERVER_RESPONSE_TIMEOUT, std::max(1L, timeout / 1000));
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, &error[0]);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &keep);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &stop);
    const CURLcode result = curl_easy_perform(handle);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    if (result != CURLE_OK)
        return CouldNotLook{one_line(error[0] ? error : curl_easy_strerror(result), 200)};
    if (lists_one(answer)) return Found{bag.folder};
    return Missing{};
}

}  // namespace oneloop::worker
