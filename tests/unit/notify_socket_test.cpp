// notify_socket: who is heard, what is closed, and what is left behind.
#include "supervisor/notify_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <filesystem>

#include "common/clock.h"
#include "common/unique_fd.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

using std::chrono::seconds;

// Sends as sd_notify(3) does, with a descriptor when one is given.
bool send_to(const std::string& address, const std::string& text, int descriptor = -1) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    address.copy(to.sun_path, sizeof to.sun_path);
    if (address[0] == '@') to.sun_path[0] = '\0';
    iovec part{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    return ::sendmsg(fd.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
        ++count;
    return count;
}

class NotifySocketTest : public testing::Test {
  protected:
    void open(const std::string& directory) {
        auto opened =
            NotifySocket::open(io, directory, "0b2c",
                               {[this](const NotifyMessage& message, pid_t sender) {
                                    heard.push_back(message);
                                    senders.push_back(sender);
                                },
                                [this](const std::string& text) { refused.push_back(text); }});
        ASSERT_TRUE(opened) << opened.error().what;
        socket = std::move(*opened);
    }
    void SetUp() override { open(dir.path()); }

    // Runs the loop until that many messages were heard or refused.
    bool hears(std::size_t count) {
        const auto end = Steady::now() + seconds(10);
        while (heard.size() + refused.size() < count && Steady::now() < end)
            io.run_one_for(std::chrono::milliseconds(100));
        return heard.size() + refused.size() >= count;
    }

    test::TempDir dir;
    boost::asio::io_context io{1};
    std::unique_ptr<NotifySocket> socket;
    std::vector<NotifyMessage> heard;
    std::vector<pid_t> senders;
    std::vector<std::string> refused;
};

TEST_F(NotifySocketTest, what_is_sent_is_heard_with_its_sender) {
    EXPECT_EQ(socket->address(), dir.path() + "/notify.sock");
    ASSERT_TRUE(send_to(socket->address(), "READY=1\nSTATUS=serving"));
    ASSERT_TRUE(hears(1));
    EXPECT_TRUE(heard[0].ready);
    EXPECT_EQ(heard[0].status, "serving");
    EXPECT_EQ(senders[0], ::getpid());
}

TEST_F(NotifySocketTest, it_is_ours_alone_and_goes_with_us) {
    struct stat info {};
    ASSERT_EQ(::lstat(socket->address().c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
    const std::string address = socket->address();
    socket.reset();
    EXPECT_NE(::lstat(address.c_str(), &info), 0);
}

TEST_F(NotifySocketTest, one_that_a_killed_supervisor_left_is_replaced) {
    // Bound, and nobody reads: as after kill -9.
    const std::string stale = socket->address();
    std::filesystem::rename(stale, stale + ".kept");
    socket.reset();
    std::filesystem::rename(stale + ".kept", stale);
    open(dir.path());
    ASSERT_TRUE(send_to(stale, "READY=1"));
    EXPECT_TRUE(hears(1));
}

TEST_F(NotifySocketTest, a_file_in_its_place_is_not_removed) {
    test::TempDir other;
    test::write_file(other.path() + "/notify.sock", "mine");
    const auto opened = NotifySocket::open(io, other.path(), "0b2c", {});
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().what.find("in the way"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(other.path() + "/notify.sock"));
}

TEST_F(NotifySocketTest, a_path_that_is_too_long_becomes_an_abstract_name) {
    for (const bool fits : {true, false}) {
        // unix(7): 108 bytes with the NUL.
        const std::size_t length = fits ? 107 : 108;
        std::string deep = dir.path() + "/";
        deep += std::string(length - deep.size() - std::strlen("/notify.sock"), 'x');
        std::filesystem::create_directory(deep);
        open(deep);
        EXPECT_EQ(socket->address(), fits ? deep + "/notify.sock" : "@oneloop-notify-0b2c");
        heard.clear();
        ASSERT_TRUE(send_to(socket->address(), "READY=1"));
        EXPECT_TRUE(hears(1));
    }
}

TEST_F(NotifySocketTest, descriptors_are_closed_and_a_barrier_is_answered_by_that) {
    // sd_notify_barrier(3): sends the writing end of a pipe and waits for its end.
    const std::size_t before = open_descriptors();
    for (const char* text : {"BARRIER=1", "FDSTORE=1\nFDNAME=x", "", "READY=0"}) {
        std::array<int, 2> pipe{};
        ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
        const UniqueFd read_end(pipe[0]);
        UniqueFd write_end(pipe[1]);
        ASSERT_TRUE(send_to(socket->address(), text, write_end.get()));
        write_end.reset();
        pollfd ended{read_end.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&ended, 1, 0), 0) << "not before it is read";
        socket->drain();
        EXPECT_EQ(::poll(&ended, 1, 10'000), 1);
        EXPECT_TRUE(ended.revents & POLLHUP) << text;
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(NotifySocketTest, what_is_queued_can_be_discarded) {
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(send_to(socket->address(), "READY=1", STDERR_FILENO));
    const std::size_t before = open_descriptors();
    socket->discard();
    ASSERT_TRUE(send_to(socket->address(), "STATUS=of the next one"));
    ASSERT_TRUE(hears(1));
    EXPECT_EQ(heard.size(), 1U);
    EXPECT_FALSE(heard[0].ready);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(NotifySocketTest, what_is_queued_can_be_had_at_once) {
    ASSERT_TRUE(send_to(socket->address(), "WATCHDOG=1"));
    socket->drain();
    EXPECT_EQ(heard.size(), 1U);
}

TEST_F(NotifySocketTest, nonsense_is_named_and_the_rest_of_it_counts) {
    ASSERT_TRUE(send_to(socket->address(), "READY=yes\nWATCHDOG=1"));
    ASSERT_TRUE(send_to(socket->address(), std::string(longest_notify_message + 1, 'x')));
    ASSERT_TRUE(send_to(socket->address(), std::string(50'000, 'x')));
    ASSERT_TRUE(hears(4));
    EXPECT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].watchdog);
    ASSERT_EQ(refused.size(), 3U);
    EXPECT_NE(refused[0].find("READY=yes"), std::string::npos);
    EXPECT_NE(refused[1].find("longer than 4096"), std::string::npos);
}

TEST_F(NotifySocketTest, another_user_is_not_heard) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to send as somebody else";
    // Only an abstract name can be reached by others: the file is 0600.
    const std::string deep = dir.path() + "/" + std::string(100, 'x');
    std::filesystem::create_directory(deep);
    open(deep);
    const std::size_t before = open_descriptors();
    const pid_t nobody = ::fork();
    if (nobody == 0) {
        const bool sent = ::setresgid(65534, 65534, 65534) == 0 &&
                          ::setresuid(65534, 65534, 65534) == 0 &&
                          send_to(socket->address(), "READY=1", STDERR_FILENO);
        ::_exit(sent ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(nobody, &status, 0), nobody);
    ASSERT_EQ(status, 0);
    // Control: the same message from us is.
    ASSERT_TRUE(send_to(socket->address(), "STATUS=ours"));
    ASSERT_TRUE(hears(2));
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_FALSE(heard[0].ready);
    EXPECT_NE(refused.at(0).find("user 65534"), std::string::npos);
    EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace oneloop
