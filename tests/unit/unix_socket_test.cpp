// unix_socket: what lies at a path, whose it is, and what is done with it. Real sockets.
#include "supervisor/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "supervisor/process_table.h"
#include "supervisor/sockets.h"
#include "tests/unit/temp_dir.h"

namespace oneloop {
namespace {

namespace fs = std::filesystem;

class UnixSocket : public testing::Test {
  protected:
    [[nodiscard]] int connects() const {
        const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                         sizeof address) == 0
                   ? 0
                   : errno;
    }

    test::TempDir dir;
    std::string path = dir / "x.sock";
};

TEST_F(UnixSocket, AClientCanConnectBeforeAnybodyAccepts) {
    const auto fd = listen_at(path);
    ASSERT_TRUE(fd) << fd.error().what;
    EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(connects(), 0);
}

TEST_F(UnixSocket, ThePathOfADeadOwnerIsReplaced) {
    { const auto dead = listen_at(path); }
    ASSERT_TRUE(fs::is_socket(path)) << "closing does not remove it";
    ASSERT_EQ(connects(), ECONNREFUSED);
    const auto fd = listen_at(path);
    ASSERT_TRUE(fd) << fd.error().what;
    EXPECT_EQ(connects(), 0);
}

TEST_F(UnixSocket, ALiveOneIsRefusedAndItsHolderNamed) {
    const auto first = listen_at(path);
    ASSERT_TRUE(first);
    const auto second = listen_at(path);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EADDRINUSE);
    EXPECT_NE(second.error().what.find("held by pid " + std::to_string(::getpid()) + ": "),
              std::string::npos)
        << second.error().what;
    EXPECT_EQ(connects(), 0) << "it is still the first one's";
}

TEST_F(UnixSocket, AFullBacklogIsNotADeadOwner) {
    const auto fd = listen_at(path);
    ASSERT_TRUE(fd);
    ASSERT_EQ(::listen(fd->get(), 0), 0);
    std::vector<UniqueFd> clients;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    int error = 0;
    for (int i = 0; i < 10 && error == 0; ++i) {
        clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        error = ::connect(clients.back().get(), generic, sizeof address) == 0 ? 0 : errno;
    }
    ASSERT_EQ(error, EAGAIN);
    EXPECT_EQ(listen_at(path).error().code, EADDRINUSE);
    remove_if_unused(path);
    EXPECT_TRUE(fs::is_socket(path));
}

TEST_F(UnixSocket, AFileThatIsNoSocketIsLeftAlone) {
    std::ofstream(path) << "mine";
    const auto fd = listen_at(path);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, EEXIST);
    EXPECT_NE(fd.error().what.find("it is no socket"), std::string::npos) << fd.error().what;
    remove_if_unused(path);
    EXPECT_EQ(fs::file_size(path), 4U);
}

TEST_F(UnixSocket, ALinkToADeadSocketIsLeftAlone) {
    const std::string target = dir / "target.sock";
    { const auto dead = listen_at(target); }
    fs::create_symlink(target, path);
    EXPECT_EQ(listen_at(path).error().code, EEXIST);
    EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(UnixSocket, RemovedOnlyWhenNobodyListens) {
    {
        const auto fd = listen_at(path);
        ASSERT_TRUE(fd);
        remove_if_unused(path);
        EXPECT_TRUE(fs::exists(path));
    }
    remove_if_unused(path);
    EXPECT_FALSE(fs::exists(path));
    remove_if_unused(path);
}

TEST_F(UnixSocket, AMissingDirectoryIsNamed) {
    const auto fd = listen_at(dir / "none/x.sock");
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, ENOENT);
    EXPECT_NE(fd.error().what.find("/none: "), std::string::npos) << fd.error().what;
}

TEST_F(UnixSocket, WhoKeepsTheDirectoryLockedIsNotWaitedForForEver) {
    const UniqueFd lock(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    const auto fd = listen_at(path);
    ASSERT_FALSE(fd);
    EXPECT_EQ(fd.error().code, EWOULDBLOCK);
}

// All at once at a path that a dead one left: exactly one gets it, and it is the one that answers.
TEST_F(UnixSocket, OfManyAtOnceOneGetsIt) {
    for (int round = 0; round < 50; ++round) {
        { const auto dead = listen_at(path); }
        std::vector<std::optional<UniqueFd>> got(4);
        std::atomic<int> ready{0};
        {
            std::vector<std::jthread> threads;
            for (auto& mine : got) {
                threads.emplace_back([&] {
                    ++ready;
                    while (ready < 4)
                        std::this_thread::yield();
                    if (auto fd = listen_at(path)) mine = std::move(*fd);
                });
            }
        }
        int winners = 0;
        for (const auto& one : got)
            winners += one ? 1 : 0;
        ASSERT_EQ(winners, 1) << "round " << round;
        ASSERT_EQ(connects(), 0) << "round " << round;
    }
}

TEST_F(UnixSocket, DoctorsTableKnowsWhoListensThere) {
    const auto spec = parse_socket("web=unix:" + path);
    ASSERT_TRUE(spec);
    EXPECT_TRUE(find_listeners({*spec}).empty());
    const auto socket = listen_on(*spec);
    ASSERT_TRUE(socket) << socket.error().what;
    EXPECT_EQ(socket->address, "unix:" + path);
    const auto listeners = find_listeners({*spec});
    ASSERT_EQ(listeners.size(), 1U);
    EXPECT_EQ(listeners.begin()->second.uid, ::getuid());
    EXPECT_EQ(read_process(::getpid(), listeners)->holds, std::vector<std::string>{"unix:" + path});
}

TEST_F(UnixSocket, IsAdoptedOnlyWithItsPath) {
    const auto spec = *parse_socket("unix:" + path);
    auto socket = listen_on(spec);
    ASSERT_TRUE(socket);
    auto adopted = adopt_listening(std::move(socket->fd), spec, socket->address);
    ASSERT_TRUE(adopted) << adopted.error().what;
    fs::remove(path);
    adopted = adopt_listening(std::move(adopted->fd), spec, "unix:" + path);
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error().what, "socket unix:" + path + ": its path is gone");
}

}  // namespace
}  // namespace oneloop
