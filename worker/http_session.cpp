#include "worker/http_session.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace oneloop::worker {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Parser = http::request_parser<http::string_body>;
using Request = http::request<http::string_body>;
using Reply = http::response<http::string_body>;
using Session = std::shared_ptr<HttpSession>;

std::string text_of(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

std::optional<std::string> only(const Request& request, http::field field) {
    // RFC 9112, 3.2: twice is a mistake; it is nobody's name then.
    if (request.count(field) > 1) return "";
    const auto found = request.find(field);
    if (found == request.end()) return std::nullopt;
    return text_of(found->value());
}

HttpAsk ask_of(const Request& request) {
    HttpAsk ask;
    ask.method = text_of(request.method_string());
    ask.target = text_of(request.target());
    ask.host = only(request, http::field::host);
    ask.origin = only(request, http::field::origin);
    ask.authorization = text_of(request[http::field::authorization]);
    ask.content_type = text_of(request[http::field::content_type]);
    ask.accept = text_of(request[http::field::accept]);
    ask.last_event_id = text_of(request["Last-Event-ID"]);
    ask.body = request.body();
    return ask;
}

Reply make_reply(const HttpAnswer& answer, unsigned version, bool keep_alive, bool head) {
    Reply reply(static_cast<http::status>(answer.code), version);
    reply.set(http::field::server, "oneloop/" ONELOOP_VERSION);
    reply.set(http::field::content_type, answer.type);
    reply.set(http::field::cache_control, "no-store");
    if (answer.any_origin) reply.set(http::field::access_control_allow_origin, "*");
    if (!answer.allow.empty()) reply.set(http::field::allow, answer.allow);
    for (const auto& [name, value] : answer.headers)
        reply.set(name, value);
    reply.keep_alive(keep_alive);
    if (!answer.asset.empty()) {
        reply.content_length(answer.asset.size());
        if (!head) reply.body().assign(answer.asset);
    } else {
        reply.content_length(answer.body.size());
        if (!head) reply.body() = answer.body;
    }
    return reply;
}

HttpAnswer refusal(const Code& error) {
    if (error == http::error::header_limit)
        return error_answer(431, "header_limit", "the header is too long");
    if (error == http::error::body_limit)
        return error_answer(413, "body_limit", "the body is too long");
    return error_answer(400, "bad_request", "not an HTTP request");
}

// True for an error of HTTP, which deserves an answer; false for one of the connection.
bool is_http_error(const Code& error) {
    return error.category() == Code(http::error::end_of_stream).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

bool hung_up(HttpSession& session) {
    char byte = 0;
    const auto fd = session.stream.socket().native_handle();
    return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

asio::awaitable<HttpAnswer> help(HttpCore* core, Later later) {
    if (core->helping)
        co_return error_answer(429, "busy", "one at a time; the last one is not over");
    core->helping = true;
    auto done =
        std::make_shared<asio::steady_timer>(core->context, asio::steady_timer::time_point::max());
    auto result = std::make_shared<HttpAnswer>();
    asio::post(core->helper, [core, later = std::move(later), done, result] {
        try {
            *result = later.work(core->helper_stop.get_token());
        } catch (const std::exception& error) {
            *result = error_answer(500, "internal", error.what());
        }
        asio::post(core->context, [done] { done->cancel(); });
    });
    Code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await done->async_wait(token);
    core->helping = false;
    co_return std::move(*result);
}

// Each client takes what is new at its own pace from the state file, so a slow one holds nothing
// but its connection, and that no longer than one write may take.
asio::awaitable<void> follow(HttpCore* core, Session session, StreamFrom place) {
    HttpAnswer head;
    core->site.dress(head);
    std::string text =
        "HTTP/1.1 200 OK\r\nServer: oneloop/" ONELOOP_VERSION
        "\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n";
    for (const auto& [name, value] : head.headers)
        text += name + ": " + value + "\r\n";
    text += "\r\n" + core->site.stream_opening(place);
    auto last_written = Steady::now();
    while (!core->stopping) {
        if (text.empty()) text = core->site.stream_more(place);
        if (text.empty() && Steady::now() - last_written > core->limits.heartbeat) text = ":\n\n";
        Code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        if (text.empty()) {
            session->idle = true;
            session->pause.expires_after(std::chrono::seconds(1));
            co_await session->pause.async_wait(token);
            session->idle = false;
            if (hung_up(*session)) break;
            continue;
        }
        session->stream.expires_after(core->limits.request);
        co_await asio::async_write(session->stream, asio::buffer(text), token);
        if (error) break;
        text.clear();
        last_written = Steady::now();
    }
}

asio::awaitable<bool> answer_one(HttpCore* core, Session session, const Request* request,
                                 Code error) {
    const bool more = !error && request->keep_alive() && !core->stopping;
    HttpAnswer answer;
    if (error) {
        answer = refusal(error);
    } else {
        Said said = core->site.answer(ask_of(*request), core->streams);
        if (const auto* place = std::get_if<StreamFrom>(&said)) {
            if (request->method() != http::verb::head) {
                if (core->streams++ == 0) core->news.cancel();
                session->streams = true;
                auto following = follow(core, session, *place);
                co_await std::move(following);
                --core->streams;
                co_return false;
            }
            answer.type = "text/event-stream";
        } else if (auto* later = std::get_if<Later>(&said)) {
            auto helping = help(core, std::move(*later));
            answer = co_await std::move(helping);
        } else {
            answer = std::move(std::get<HttpAnswer>(said));
        }
    }
    core->site.dress(answer);
    const bool head = request->method() == http::verb::head;
    Reply reply = make_reply(answer, error ? 11 : request->version(), more, head);
    Code failed;
    auto token = asio::redirect_error(asio::use_awaitable, failed);
    session->stream.expires_after(core->limits.request);
    co_await http::async_write(session->stream, reply, token);
    co_return !failed && more;
}

}  // namespace

asio::awaitable<void> serve_session(HttpCore* core, Session session) {
    beast::flat_buffer buffer;
    bool more = true;
    while (more && !core->stopping) {
        Parser parser;
        parser.header_limit(static_cast<std::uint32_t>(core->limits.header_bytes));
        parser.body_limit(core->limits.body_bytes);
        Code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        if (buffer.size() == 0 && session->idle) {
            // The next request may take its time to begin; then it has to be quick.
            session->stream.expires_after(core->limits.idle);
            const auto space = buffer.prepare(1024);
            const std::size_t size = co_await session->stream.async_read_some(space, token);
            if (error) break;
            buffer.commit(size);
        }
        session->idle = false;
        session->stream.expires_after(core->limits.request);
        co_await http::async_read(session->stream, buffer, parser, token);
        if (error && !is_http_error(error)) break;
        auto answering = answer_one(core, session, &parser.get(), error);
        more = co_await std::move(answering);
        session->idle = more;
    }
    Code ignored;
    session->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    session->stream.close();
    core->sessions.erase(session);
    if (core->stopping && core->sessions.empty()) core->context.stop();
}

}  // namespace oneloop::worker
