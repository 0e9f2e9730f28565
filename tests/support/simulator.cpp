#include "tests/support/simulator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdlib>
#include <stdexcept>

#include "tests/support/wait.h"

namespace oneloop::test {
namespace {

using namespace std::chrono_literals;

std::string text_of(int number) {
    return std::to_string(number);
}

}  // namespace

Reply http_raw(int port, const std::string& text) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Reply reply;
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return reply;
    if (::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return reply;
    std::string all;
    char buffer[65536];
    for (;;) {
        const ssize_t size = ::recv(fd.get(), buffer, sizeof buffer, 0);
        if (size <= 0) break;
        all.append(buffer, static_cast<std::size_t>(size));
    }
    if (all.size() > 12) reply.code = std::atoi(all.c_str() + 9);
    const auto end = all.find("\r\n\r\n");
    reply.head = all.substr(0, end);
    if (end != std::string::npos) reply.body = all.substr(end + 4);
    return reply;
}

Reply http_get(int port, const std::string& path) {
    return http_raw(port,
                    "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
}

Reply http_post(int port, const std::string& path, const std::string& body) {
    return http_raw(port, "POST " + path +
                              " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body);
}

long number_in(const std::string& json, const std::string& name) {
    const auto found = json.find("\"" + name + "\":");
    if (found == std::string::npos) return -1;
    return std::strtol(json.c_str() + found + name.size() + 3, nullptr, 10);
}

Simulator::Simulator(const std::string& mode) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const UniqueFd reading(ends[0]);
    stdin_.reset(ends[1]);
    set_cloexec(reading.get(), false);
    process_.emplace(Process::Setup{
        {"/bin/bash", "-c",
         "exec \"$@\" <&" + text_of(reading.get()) + " " + text_of(reading.get()) + "<&-", "sh",
         "/usr/bin/python3", ONELOOP_SIMULATOR, "--port", "0", "--seed", "0", "--mode", mode,
         "--exit-with-stdin"},
        "",
        {},
        dir_.file("simulator")});
    const std::string said = "listening on http://127.0.0.1:";
    std::string output;
    const bool up = wait_until(
        [&] {
            output = process_->output();
            return output.find('\n') != std::string::npos;
        },
        20s);
    const auto found = output.find(said);
    if (!up || found == std::string::npos) throw std::runtime_error("no simulator: " + output);
    port_ = std::atoi(output.c_str() + found + said.size());
}

void Simulator::set_mode(const std::string& mode) const {
    const Reply reply = http_post(port_, "/_simulator", "{\"mode\": \"" + mode + "\"}");
    if (reply.code != 200) throw std::runtime_error("simulator: no mode " + mode);
}

long Simulator::counter(const std::string& name) const {
    return number_in(http_get(port_, "/_simulator").body, name);
}

}  // namespace oneloop::test
