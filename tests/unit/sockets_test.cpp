// sockets: how an address is written, and what listening really does.
#include "supervisor/sockets.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace oneloop {
namespace {

TEST(ParseSocket, good) {
    struct Row {
        const char* text;
        SocketSpec spec;
    };
    const Row table[] = {
        {"5000", {"http", "127.0.0.1", "5000"}},
        {"0", {"http", "127.0.0.1", "0"}},
        {"65535", {"http", "127.0.0.1", "65535"}},
        {":5000", {"http", "127.0.0.1", "5000"}},
        {"0.0.0.0:80", {"http", "0.0.0.0", "80"}},
        {"localhost:8080", {"http", "localhost", "8080"}},
        {"[::1]:5000", {"http", "::1", "5000"}},
        {"[::]:5000", {"http", "::", "5000"}},
        {"[fe80::1%eth0]:5000", {"http", "fe80::1%eth0", "5000"}},
        {"admin=5001", {"admin", "127.0.0.1", "5001"}},
        {"admin=:5001", {"admin", "127.0.0.1", "5001"}},
        {"admin=0.0.0.0:5001", {"admin", "0.0.0.0", "5001"}},
        {"admin=[::1]:5001", {"admin", "::1", "5001"}},
        {"a-b_c.d=1", {"a-b_c.d", "127.0.0.1", "1"}},
        {"unix:/run/x.sock", {"http", "unix:/run/x.sock", ""}},
        {"web=unix:/run/x.sock", {"web", "unix:/run/x.sock", ""}},
        {"unix:/run/a=b:1", {"http", "unix:/run/a=b:1", ""}},
        {"unix:///run/../run/x", {"http", "unix:/run/x", ""}},
    };
    for (const auto& row : table) {
        const auto spec = parse_socket(row.text);
        ASSERT_TRUE(spec.has_value()) << row.text;
        EXPECT_EQ(*spec, row.spec) << row.text;
    }
}

TEST(ParseSocket, bad) {
    for (const char* text : {"",
                             ":",
                             "host",
                             "host:",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:http",
                             "127.0.0.1:65536",
                             "127.0.0.1:99999",
                             "127.0.0.1:100000",
                             "127.0.0.1:-1",
                             "127.0.0.1:+1",
                             "127.0.0.1: 80",
                             "127.0.0.1:80 ",
                             "127.0.0.1:0x50",
                             "127.0.0.1:8.0",
                             "[::1]",
                             "[::1]:",
                             "name=",
                             "name=:",
                             "=5000",
                             "a:b=5000",
                             "name=host",
                             "name==5000",
                             "unix:",
                             "unix:@abstract",
                             "unix:/run/",
                             "a:b=unix:/run/x"}) {
        const auto spec = parse_socket(text);
        ASSERT_FALSE(spec.has_value()) << text;
        EXPECT_EQ(spec.error().what.rfind("--socket " + std::string(text) + ": ", 0), 0U);
        EXPECT_NE(spec.error().what.find("(write [NAME=]HOST:PORT or unix:PATH)"),
                  std::string::npos);
    }
}

TEST(ParseSocket, a_relative_path_starts_here_and_no_path_is_too_long) {
    const std::string here = std::filesystem::current_path().string();
    EXPECT_EQ(parse_socket("unix:./x")->path(), here + "/x");
    const std::size_t most = sizeof(sockaddr_un::sun_path) - 1;
    const std::string longest = "/" + std::string(most - 1, 'x');
    EXPECT_EQ(parse_socket("unix:" + longest)->path(), longest);
    EXPECT_FALSE(parse_socket("unix:" + longest + "x"));
}

TEST(ParseSocket, bug_an_ipv6_host_without_brackets_is_ambiguous) {
    // sockets.h: "an IPv6 host in brackets". "::1" would listen on port 1 of host ":".
    for (const char* text : {"::1", "::1:5000", "fe80::1:80", "[]:80", "[::1:80", "::1]:80"})
        EXPECT_FALSE(parse_socket(text).has_value()) << text;
}

TEST(ParseSocket, every_port_number) {
    for (int port = 0; port <= 70'000; ++port) {
        const auto spec = parse_socket("127.0.0.1:" + std::to_string(port));
        ASSERT_EQ(spec.has_value(), port <= 65535) << port;
    }
}

std::string port_of(const ListenSocket& socket) {
    return socket.address.substr(socket.address.rfind(':') + 1);
}

TEST(ListenOn, port_0_is_any_free_port) {
    const auto socket = listen_on({"http", "127.0.0.1", "0"});
    ASSERT_TRUE(socket.has_value()) << socket.error().what;
    EXPECT_EQ(socket->spec.name, "http");
    EXPECT_EQ(socket->address.rfind("127.0.0.1:", 0), 0U);
    EXPECT_GT(std::stoi(port_of(*socket)), 0);
    EXPECT_EQ(::fcntl(socket->fd.get(), F_GETFD), FD_CLOEXEC);
    const auto other = listen_on({"http", "127.0.0.1", "0"});
    ASSERT_TRUE(other.has_value());
    EXPECT_NE(port_of(*other), port_of(*socket));
}

TEST(ListenOn, a_client_can_connect_before_anybody_accepts) {
    const auto socket = listen_on({"http", "127.0.0.1", "0"});
    ASSERT_TRUE(socket.has_value());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port = ::htons(static_cast<std::uint16_t>(std::stoi(port_of(*socket))));
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

TEST(ListenOn, a_taken_port_names_who_has_it) {
    const auto first = listen_on({"http", "127.0.0.1", "0"});
    ASSERT_TRUE(first.has_value());
    const auto second = listen_on({"http", "127.0.0.1", port_of(*first)});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, EADDRINUSE);
    const std::string pid = std::to_string(::getpid());
    const std::string& what = second.error().what;
    EXPECT_EQ(what.rfind("cannot listen on " + first->address + ": Address already in use", 0), 0U)
        << what;
    EXPECT_NE(what.find("held by pid " + pid + ": "), std::string::npos) << what;
    EXPECT_NE(what.find("sockets_test"), std::string::npos) << what;
    EXPECT_NE(what.find("end it with: kill " + pid + ")"), std::string::npos) << what;
}

TEST(ListenOn, a_port_is_free_again_at_once) {
    std::string port;
    {
        const auto socket = listen_on({"http", "127.0.0.1", "0"});
        ASSERT_TRUE(socket.has_value());
        port = port_of(*socket);
    }
    EXPECT_TRUE(listen_on({"http", "127.0.0.1", port}).has_value());
}

TEST(ListenOn, an_ipv6_address_is_shown_in_brackets) {
    const auto socket = listen_on({"http", "::1", "0"});
    if (!socket && (socket.error().code == EAFNOSUPPORT || socket.error().code == EADDRNOTAVAIL)) {
        GTEST_SKIP() << "no IPv6 here";
    }
    ASSERT_TRUE(socket.has_value()) << socket.error().what;
    EXPECT_EQ(socket->address.rfind("[::1]:", 0), 0U) << socket->address;
}

TEST(ListenOn, an_address_that_is_not_ours_is_an_error) {
    const auto foreign = listen_on({"http", "192.0.2.1", "0"});  // TEST-NET-1, RFC 5737
    ASSERT_FALSE(foreign.has_value());
    EXPECT_EQ(foreign.error().code, EADDRNOTAVAIL);
    const auto nonsense = listen_on({"http", "256.0.0.1.", "0"});
    ASSERT_FALSE(nonsense.has_value());
    EXPECT_EQ(nonsense.error().what.rfind("socket 256.0.0.1.:0: ", 0), 0U) << nonsense.error().what;
}

}  // namespace
}  // namespace oneloop
