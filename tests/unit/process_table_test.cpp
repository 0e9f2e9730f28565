// What /proc says of this very process, and who is in the way of an address.
#include "supervisor/process_table.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "common/flag.h"
#include "common/unique_fd.h"
#include "tests/unit/environment.h"
#include "tests/unit/in_child.h"
#include "tests/unit/temp_dir.h"

namespace oneloop::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

struct Server {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::string port;

    explicit Server(const char* host) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        ::inet_pton(AF_INET, host, &address.sin_addr);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        EXPECT_EQ(::bind(fd.get(), generic, size), 0);
        EXPECT_EQ(::listen(fd.get(), 1), 0);
        EXPECT_EQ(::getsockname(fd.get(), generic, &size), 0);
        port = std::to_string(ntohs(address.sin_port));
    }
};

std::vector<std::string> held(const std::string& host, const std::string& port) {
    return read_process(::getpid(), find_listeners({{"http", host, port}}))->holds;
}

TEST(ProcessTable, KnowsThisProcess) {
    const auto self = read_process(::getpid(), {});
    ASSERT_TRUE(self);
    EXPECT_EQ(self->parent, ::getppid());
    EXPECT_EQ(self->uid, ::getuid());
    EXPECT_TRUE(self->program.same(file_id("/proc/self/exe")));
    EXPECT_TRUE(self->directory.same(file_id(".")));
    EXPECT_EQ(self->directory_path, std::filesystem::current_path().string());
    ASSERT_THAT(self->arguments, Not(IsEmpty()));
    EXPECT_THAT(self->arguments[0], testing::HasSubstr("process_table_test"));
    EXPECT_LT(age_seconds(*self), 120);
    EXPECT_FALSE(self->supervisor);
}

TEST(ProcessTable, ListsThisProcessAndAllAboveIt) {
    const auto processes = read_processes({});
    std::vector<int> pids;
    for (const auto& process : processes)
        pids.push_back(process.pid);
    EXPECT_THAT(pids, Contains(::getpid()));
    EXPECT_THAT(pids, Contains(::getppid()));
}

TEST(ProcessTable, HasNoRecordOfWhatIsNotThere) {
    Child child([] { return std::string(); });
    const pid_t pid = child.pid();
    child.text();
    EXPECT_EQ(read_process(pid, {}), std::nullopt);
}

TEST(ProcessTable, KnowsASupervisorByItsLock) {
    const TempDir dir;
    const std::string path = dir / flag::supervisor_lock_name;
    write_file(path, "");
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(read_process(::getpid(), {})->supervisor);
}

TEST(Listeners, AreInTheWayOnTheSameAddressOrOnAll) {
    const Server server("127.0.0.1");
    EXPECT_THAT(held("127.0.0.1", server.port), ElementsAre("127.0.0.1:" + server.port));
    EXPECT_THAT(held("0.0.0.0", server.port), ElementsAre("0.0.0.0:" + server.port));
    EXPECT_THAT(held("127.0.0.2", server.port), IsEmpty());
    EXPECT_THAT(held("127.0.0.1", "0"), IsEmpty());
}

TEST(Listeners, OnAllAddressesAreInTheWayOfEach) {
    const Server server("0.0.0.0");
    EXPECT_THAT(held("127.0.0.1", server.port), ElementsAre("127.0.0.1:" + server.port));
    EXPECT_THAT(held("127.0.0.2", server.port), ElementsAre("127.0.0.2:" + server.port));
    EXPECT_THAT(held("::1", server.port), IsEmpty()) << "IPv4 takes nothing of IPv6";
}

TEST(Wanted, FindsTheProgramByPath) {
    const TempDir dir;
    write_file(dir / "tool", "#!/usr/bin/env -S cat -u\n");
    const ScopedEnv path("PATH", dir.path() + ":/usr/bin:/bin");
    EXPECT_FALSE(resolve_wanted({"tool"}).program.same(file_id(dir / "tool"))) << "not executable";
    ::chmod((dir / "tool").c_str(), 0755);
    const auto wanted = resolve_wanted({"tool", "x"});
    EXPECT_TRUE(wanted.program.same(file_id(dir / "tool")));
    EXPECT_TRUE(wanted.script);
    EXPECT_TRUE(wanted.interpreter.same(file_id("/bin/cat")));
    EXPECT_FALSE(resolve_wanted({"cat"}).script);
    EXPECT_EQ(resolve_wanted({"no-such-tool"}).program, FileId{});
}

}  // namespace
}  // namespace oneloop::test
