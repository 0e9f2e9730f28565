#include "worker/verdict.h"

#include "worker/text.h"

namespace oneloop::worker {
namespace {

constexpr std::size_t longest_reply = 200;

std::string said(const Exchange& exchange) {
    const std::string& text = exchange.answer.empty() ? exchange.error : exchange.answer;
    return one_line(text, longest_reply);
}

std::string failed(const Exchange& exchange) {
    std::string text = one_line(exchange.error, longest_reply);
    if (!exchange.answer.empty())
        text += " (last answer: " + one_line(exchange.answer, longest_reply) + ")";
    return text;
}

}  // namespace

Outcome judge_smtp(const Exchange& exchange) {
    const int kind = exchange.code / 100;
    if (exchange.armed) {
        // Behind the 354 that asked for the payload there is one answer only.
        if (kind == 2) return Accepted{said(exchange)};
        if (kind >= 4) return Refused{said(exchange), kind == 5};
        return NoAnswer{failed(exchange)};
    }
    if (exchange.stopped) return Stopped{};
    // Before MAIL a refusal is about us or about our password, not about this message: it is worth
    // another try when somebody has put that right.
    if (!exchange.addressed || kind < 4) return NotSent{failed(exchange), !exchange.addressed};
    return Refused{said(exchange), kind == 5};
}

Outcome judge_http(const Exchange& exchange) {
    // 100 and 103 come before an answer, and are none.
    if (exchange.code < 200) {
        std::string why = failed(exchange);
        if (why.empty()) why = "HTTP " + std::to_string(exchange.code) + " and no answer after it";
        if (exchange.armed) return NoAnswer{std::move(why)};
        if (exchange.stopped) return Stopped{};
        return NotSent{std::move(why), true};
    }
    const std::string reply = "HTTP " + std::to_string(exchange.code);
    if (exchange.code / 100 == 2) return Accepted{reply};
    // A gateway says that it does not know what became of the request.
    if (exchange.armed && (exchange.code == 502 || exchange.code == 504)) return NoAnswer{reply};
    const bool later = exchange.code >= 500 || exchange.code == 429 || exchange.code == 408 ||
                       exchange.code == 425;
    return Refused{reply, !later};
}

Outcome judge_exec(int exit_code, int signal, bool late, const std::string& last_line) {
    const std::string words = last_line.empty() ? "" : ": " + one_line(last_line, longest_reply);
    if (late) return NoAnswer{"it did not end in time" + words};
    if (signal != 0) return NoAnswer{"ended by signal " + std::to_string(signal) + words};
    const std::string reply = "exit " + std::to_string(exit_code) + words;
    if (exit_code == 0) return Accepted{reply};
    return Refused{reply, false};
}

}  // namespace oneloop::worker
