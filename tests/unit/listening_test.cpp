// listening: where each socket comes from when several could give it; and what a service manager is
// given to keep.
#include "supervisor/listening.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

ino_t inode(const UniqueFd& fd) {
    struct stat info {};
    ::fstat(fd.get(), &info);
    return info.st_ino;
}

// A socket as a .socket unit binds it, or as a manager has kept it.
GivenSocket given(const std::string& name, ListenSocket socket) {
    return {std::move(socket.fd), name};
}

ListenSocket bound(const std::string& text = "http=127.0.0.1:0") {
    return *listen_on(*parse_socket(text));
}

template <class... Sockets>
std::vector<GivenSocket> list(Sockets... sockets) {
    std::vector<GivenSocket> all;
    (all.push_back(std::move(sockets)), ...);
    return all;
}

TEST(Listening, a_units_socket_takes_the_place_of_the_one_with_its_name) {
    std::vector<SocketSpec> wanted = {*parse_socket("metrics=127.0.0.1:0"),
                                      *parse_socket("http=127.0.0.1:0")};
    auto unit = bound();
    const auto address = unit.address;
    const auto known = inode(unit.fd);
    const auto sockets = open_sockets(wanted, {}, list(given("http", std::move(unit))), {});
    ASSERT_TRUE(sockets) << sockets.error().what;
    ASSERT_EQ(sockets->size(), 2U);
    EXPECT_EQ((*sockets)[1].address, address);
    EXPECT_EQ(inode((*sockets)[1].fd), known);
    EXPECT_NE((*sockets)[0].address, address);
}

TEST(Listening, by_its_address_too_and_what_nobody_asked_for_comes_last) {
    auto first = bound();
    auto second = bound();
    std::vector<SocketSpec> wanted = {*parse_socket("web=" + second.address)};
    const auto addresses = std::array{second.address, first.address};
    const auto sockets = open_sockets(
        wanted, {}, list(given("x.socket", std::move(first)), given("y.socket", std::move(second))),
        {});
    ASSERT_TRUE(sockets) << sockets.error().what;
    ASSERT_EQ(sockets->size(), 2U);
    EXPECT_EQ((*sockets)[0].address, addresses[0]);
    EXPECT_EQ((*sockets)[1].address, addresses[1]);
    EXPECT_EQ(wanted[1].name, "x.socket");
}

TEST(Listening, what_is_no_listening_stream_is_refused) {
    std::vector<SocketSpec> wanted;
    GivenSocket odd{UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), "dns"};
    EXPECT_FALSE(open_sockets(wanted, {}, list(std::move(odd)), {}));
    GivenSocket file{UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), "file"};
    EXPECT_FALSE(open_sockets(wanted, {}, list(std::move(file)), {}));
}

class Kept : public testing::Test {
  protected:
    // What the manager was told, and whether a descriptor came along.
    std::pair<std::string, int> told() {
        std::array<char, 1024> text{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        iovec part{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto size = ::recvmsg(receiver.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0) return {"", -1};
        int fd = -1;
        if (const auto* header = CMSG_FIRSTHDR(&message))
            std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        return {std::string(text.data(), static_cast<std::size_t>(size)), fd};
    }

    Kept() {
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        manager.socket.copy(to.sun_path, sizeof to.sun_path);
        EXPECT_EQ(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    }

    test::TempDir dir;
    ServiceManager manager{dir.path() + "/notify", {}};
    UniqueFd receiver{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_F(Kept, what_is_bound_is_given_to_keep_and_is_the_next_runs) {
    std::vector<SocketSpec> wanted = {*parse_socket("http=127.0.0.1:0")};
    auto first = open_sockets(wanted, {}, {}, manager);
    ASSERT_TRUE(first);
    const auto [text, fd] = told();
    EXPECT_EQ(text, "FDSTORE=1\nFDNAME=oneloop http 127.0.0.1|0");
    ASSERT_GE(fd, 0);
    const auto known = inode((*first)[0].fd);
    first->clear();
    const auto second = open_sockets(
        wanted, {}, list(GivenSocket{UniqueFd(fd), "oneloop http 127.0.0.1|0"}), manager);
    ASSERT_TRUE(second);
    EXPECT_EQ(inode((*second)[0].fd), known);
}

TEST_F(Kept, another_address_is_bound_and_the_old_one_forgotten) {
    auto old = bound();
    const std::string name = *keep_name({"http", "127.0.0.1", "5999"});
    std::vector<SocketSpec> wanted = {*parse_socket("http=127.0.0.1:0")};
    const auto known = inode(old.fd);
    const auto sockets = open_sockets(wanted, {}, list(given(name, std::move(old))), manager);
    ASSERT_TRUE(sockets);
    EXPECT_NE(inode((*sockets)[0].fd), known);
    EXPECT_EQ(told().first, "FDSTOREREMOVE=1\nFDNAME=oneloop http 127.0.0.1|5999");
}

TEST_F(Kept, a_units_socket_is_its_units_to_keep) {
    std::vector<SocketSpec> wanted;
    ASSERT_TRUE(open_sockets(wanted, {}, list(given("http", bound())), manager));
    EXPECT_EQ(told().first, "");
}

TEST(KeepName, is_one_that_the_manager_can_write) {
    EXPECT_EQ(keep_name({"http", "::1", "80"}), "oneloop http [||1]|80");
    EXPECT_FALSE(keep_name({"h\xc3\xb6", "127.0.0.1", "80"}));
    EXPECT_FALSE(keep_name({std::string(250, 'x'), "127.0.0.1", "80"}));
    EXPECT_TRUE(is_keep_name("oneloop http x"));
    EXPECT_FALSE(is_keep_name("http"));
}

}  // namespace
}  // namespace oneloop
