// handover: listening sockets through a socket pair, and everything that may be wrong with what
// arrives. The supervisors themselves: integration/handover_test.cpp.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "supervisor/control_protocol.h"
#include "supervisor/handover.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(fds), end(fds)));
}

ino_t inode(const UniqueFd& fd) {
    struct stat info {};
    ::fstat(fd.get(), &info);
    return info.st_ino;
}

class SendSockets : public testing::Test {
  protected:
    SendSockets() {
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        here.reset(pair[0]);
        there.reset(pair[1]);
    }

    static std::vector<ListenSocket> listen(int count) {
        std::vector<ListenSocket> sockets;
        for (int i = 0; i < count; ++i)
            sockets.push_back(*listen_on({"s" + std::to_string(i), "127.0.0.1", "0"}));
        return sockets;
    }

    [[nodiscard]] Result<std::size_t> send(const std::vector<ListenSocket>& sockets) const {
        return send_sockets(here.get(), sockets, Steady::now() + seconds(5));
    }
    [[nodiscard]] Result<Handover> receive(milliseconds limit = seconds(5)) const {
        return receive_sockets(there.get(), Steady::now() + limit);
    }

    // Any line with any descriptors.
    void send_raw(const std::string& line, const std::vector<int>& fds) const {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_handed_over)> control{};
        iovec data{const_cast<char*>(line.data()), line.size()};
        msghdr header{};
        header.msg_iov = &data;
        header.msg_iovlen = 1;
        if (!fds.empty()) {
            header.msg_control = control.data();
            header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
            cmsghdr* part = CMSG_FIRSTHDR(&header);
            part->cmsg_level = SOL_SOCKET;
            part->cmsg_type = SCM_RIGHTS;
            part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
            std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
        }
        ASSERT_EQ(::sendmsg(here.get(), &header, MSG_NOSIGNAL), static_cast<ssize_t>(line.size()));
    }

    static control::Released said(const ListenSocket& socket) {
        return {socket.spec.name, socket.spec.host, socket.spec.port, socket.address};
    }

    UniqueFd here, there;
};

TEST_F(SendSockets, ArriveInOrderAsTheSameOpenFile) {
    for (const int count : {0, 1, 7}) {
        const auto sockets = listen(count);
        EXPECT_EQ(send(sockets), static_cast<std::size_t>(count));
        const auto got = receive();
        ASSERT_TRUE(got) << got.error().what;
        EXPECT_TRUE(got->trouble.empty());
        ASSERT_EQ(got->sockets.size(), sockets.size());
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            EXPECT_EQ(got->sockets[i].spec, sockets[i].spec);
            EXPECT_EQ(got->sockets[i].address, sockets[i].address);
            EXPECT_EQ(inode(got->sockets[i].fd), inode(sockets[i].fd));
            EXPECT_EQ(::fcntl(got->sockets[i].fd.get(), F_GETFD), FD_CLOEXEC);
        }
    }
}

TEST_F(SendSockets, MoreThanAMessageCarriesIsClosedWithItsSupervisor) {
    std::vector<ListenSocket> sockets;
    const auto one = listen(1);
    for (std::size_t i = 0; i < most_handed_over + 5; ++i) {
        sockets.push_back(
            {UniqueFd(::fcntl(one[0].fd.get(), F_DUPFD_CLOEXEC, 3)), one[0].spec, one[0].address});
    }
    EXPECT_EQ(send(sockets), most_handed_over);
    const auto got = receive();
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_EQ(got->sockets.size(), most_handed_over);
}

TEST_F(SendSockets, WhatAWorkerDidToASocketIsSetRight) {
    const auto sockets = listen(1);
    ASSERT_EQ(::fcntl(sockets[0].fd.get(), F_SETFL, O_NONBLOCK), 0);
    ASSERT_TRUE(send(sockets));
    const auto got = receive();
    ASSERT_TRUE(got && got->sockets.size() == 1);
    EXPECT_EQ(::fcntl(got->sockets[0].fd.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(SendSockets, WhatIsNotAsSaidIsClosedAndNamedAndTheOthersAreKept) {
    const auto good = listen(3);
    const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const UniqueFd mute(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::size_t before = open_descriptors();
    send_raw(control::format_released({said(good[0]), said(good[1]), said(good[1]), said(good[1]),
                                       said(good[1]), said(good[2])}),
             {good[0].fd.get(), file.get(), mute.get(), datagrams.get(), good[2].fd.get(),
              good[2].fd.get()});
    {
        const auto got = receive();
        ASSERT_TRUE(got) << got.error().what;
        ASSERT_EQ(got->sockets.size(), 2U);
        EXPECT_EQ(got->sockets[0].spec, good[0].spec);
        EXPECT_EQ(got->sockets[1].spec, good[2].spec);
        ASSERT_EQ(got->trouble.size(), 4U);
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(got->trouble[static_cast<std::size_t>(i)],
                      "socket " + good[1].address + ": not a listening stream socket");
        }
        EXPECT_EQ(got->trouble[3],
                  "socket " + good[1].address + ": is bound to " + good[2].address);
        EXPECT_EQ(open_descriptors(), before + 2);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SendSockets, WhenTheNumbersDifferNoneIsKept) {
    const auto sockets = listen(3);
    const std::size_t before = open_descriptors();
    for (std::size_t said_of = 0; said_of <= 4; ++said_of) {
        for (std::size_t sent = 0; sent <= 3; ++sent) {
            if (said_of == sent) continue;
            std::vector<int> fds;
            for (std::size_t i = 0; i < sent; ++i)
                fds.push_back(sockets[i].fd.get());
            send_raw(
                control::format_released(std::vector<control::Released>(said_of, said(sockets[0]))),
                fds);
            const auto got = receive();
            ASSERT_TRUE(got) << got.error().what;
            EXPECT_TRUE(got->sockets.empty());
            EXPECT_EQ(got->trouble.size(), 1U);
            EXPECT_EQ(open_descriptors(), before);
        }
    }
}

TEST_F(SendSockets, TheLineMayComeInPieces) {
    const auto sockets = listen(2);
    const std::string line = control::format_released({said(sockets[0]), said(sockets[1])});
    for (std::size_t cut = 1; cut < line.size(); cut += 7) {
        send_raw(line.substr(0, cut), {sockets[0].fd.get(), sockets[1].fd.get()});
        send_raw(line.substr(cut), {});
        const auto got = receive();
        ASSERT_TRUE(got) << got.error().what;
        EXPECT_EQ(got->sockets.size(), 2U);
    }
}

TEST_F(SendSockets, EveryAnswerThatIsNoneIsAnErrorAndLeavesNoDescriptorOpen) {
    const auto sockets = listen(1);
    const std::size_t before = open_descriptors();
    const std::pair<std::string, int> lines[] = {
        {control::format_released_to(4712), EBUSY},
        {control::format_released_to(0), EBUSY},
        {control::format_error("unknown command \"release\""), EOPNOTSUPP},
        {control::format_ok(), EPROTO},
        {"{}\n", EPROTO},
        {"hello\n", EPROTO},
        {std::string(1000, '\0') + "\n", EPROTO},
    };
    for (const auto& [line, code] : lines) {
        send_raw(line, {sockets[0].fd.get()});
        const auto got = receive();
        ASSERT_FALSE(got.has_value()) << line;
        EXPECT_EQ(got.error().code, code) << line;
        EXPECT_EQ(open_descriptors(), before) << line;
    }
}

TEST_F(SendSockets, AFloodOfDescriptorsEnds) {
    const auto sockets = listen(1);
    const std::size_t before = open_descriptors();
    const std::vector<int> many(most_handed_over, sockets[0].fd.get());
    for (int i = 0; i < 2; ++i)
        send_raw("x", many);
    const auto got = receive();
    ASSERT_FALSE(got.has_value());
    EXPECT_EQ(got.error().code, EPROTO);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SendSockets, NoDescriptorFreeIsSaidAndNoneIsKept) {
    const auto sockets = listen(4);
    ASSERT_TRUE(send(sockets));
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const std::size_t before = open_descriptors();
    rlimit tight = limit;
    tight.rlim_cur = static_cast<rlim_t>(sockets.back().fd.get()) + 3;  // room for two
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    const auto got = receive();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_TRUE(got->sockets.empty());
    ASSERT_EQ(got->trouble.size(), 1U);
    EXPECT_NE(got->trouble[0].find("ulimit -n"), std::string::npos) << got->trouble[0];
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(SendSockets, NobodyThereOrNobodyWhoReadsIsAnErrorInTime) {
    const auto sockets = listen(1);
    const std::string filler(4096, 'x');
    while (::send(here.get(), filler.data(), filler.size(), MSG_DONTWAIT) > 0) {
    }
    const auto deaf = send_sockets(here.get(), sockets, Steady::now() + milliseconds(50));
    ASSERT_FALSE(deaf.has_value());
    EXPECT_EQ(deaf.error().code, ETIMEDOUT);
    there.reset();
    const auto gone = send(sockets);
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().code, EPIPE);
}

TEST_F(SendSockets, SilenceAndAnEndAreTold) {
    const auto silent = receive(milliseconds(20));
    ASSERT_FALSE(silent.has_value());
    EXPECT_EQ(silent.error().code, ETIMEDOUT);
    here.reset();
    const auto ended = receive();
    ASSERT_FALSE(ended.has_value());
    EXPECT_EQ(ended.error().code, ECONNRESET);
}

TEST(RequestRelease, NobodyThereIsAnError) {
    const auto nobody = request_release("/nonexistent", seconds(1));
    ASSERT_FALSE(nobody.has_value());
    EXPECT_EQ(nobody.error().code, ENOENT);
}

TEST(MatchHanded, EachIsTakenOnceByTheSameWords) {
    std::vector<ListenSocket> handed;
    const SocketSpec web{"web", "127.0.0.1", "0"};
    const SocketSpec other{"other", "127.0.0.1", "0"};
    for (const auto& spec : {web, web, other})
        handed.push_back(*listen_on(spec));
    const std::vector<std::string> addresses = {handed[0].address, handed[1].address,
                                                handed[2].address};
    const auto matched =
        match_handed({web, {"web", "localhost", "0"}, web, web}, std::move(handed));
    ASSERT_EQ(matched.taken.size(), 4U);
    ASSERT_TRUE(matched.taken[0] && matched.taken[2]);
    EXPECT_EQ(matched.taken[0]->address, addresses[0]);
    EXPECT_EQ(matched.taken[2]->address, addresses[1]);
    EXPECT_FALSE(matched.taken[1] || matched.taken[3]);
    ASSERT_EQ(matched.unwanted.size(), 1U);
    EXPECT_EQ(matched.unwanted[0].address, addresses[2]);
}

}  // namespace
}  // namespace oneloop
