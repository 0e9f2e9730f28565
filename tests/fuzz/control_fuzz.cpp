// Whatever bytes arrive at either end of the control socket: no crash, and every answer is one line
// that the other end can read. With clang a libFuzzer program, tests/fuzz/control_fuzz; elsewhere
// control_corpus_test feeds it the corpus.
//
//   build/clang/tests/control_fuzz -max_total_time=60 -max_len=4096 tests/fuzz/corpus/control
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/check.h"
#include "supervisor/control_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace oneloop::control;
    const std::string_view line(reinterpret_cast<const char*>(data), size);

    if (const auto request = parse_request(line)) {
        std::string again = format_request(*request);
        again.pop_back();
        ONELOOP_CHECK(parse_request(again) == request, "a request is read as it is written");
    } else {
        const std::string answer = format_error(request.error().what);
        ONELOOP_CHECK(answer.find('\n') == answer.size() - 1, "an answer is one line");
        const auto read = parse_reply(std::string_view(answer).substr(0, answer.size() - 1));
        ONELOOP_CHECK(read && !read->ok, "an error can be read");
    }

    if (const auto reply = parse_reply(line); reply && reply->status) {
        const std::string answer = format_status(*reply->status);
        ONELOOP_CHECK(answer.find('\n') == answer.size() - 1, "an answer is one line");
        const auto read = parse_reply(std::string_view(answer).substr(0, answer.size() - 1));
        ONELOOP_CHECK(read && read->status, "a status can be read");
        ONELOOP_CHECK(format_status(*read->status) == answer, "and comes out the same");
    }
    if (const auto reply = parse_reply(line); reply && reply->released) {
        const std::string answer = format_released(*reply->released);
        ONELOOP_CHECK(answer.find('\n') == answer.size() - 1, "an answer is one line");
        const auto read = parse_reply(std::string_view(answer).substr(0, answer.size() - 1));
        ONELOOP_CHECK(read && read->released == reply->released, "sockets come out the same");
    }
    return 0;
}
