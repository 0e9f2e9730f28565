// `proxy` of a host, with a real one.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "common/exit_status.h"
#include "tests/support/receivers.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using test::Environment;
using test::limit;
using test::Receiver;
using test::WorkerTest;
using testing::HasSubstr;
using testing::Not;

class ProxyTest : public WorkerTest {
  protected:
    // With a [host] of the simulator's.
    std::string with_host(const std::string& keys) {
        const std::string file = config("a");
        test::write_file(file,
                         test::read_file(file) + "[host.\"127.0.0.1\"]\nretries = 0\n" + keys);
        return file;
    }
    std::string once(const std::string& file, const Environment& environment = {}) {
        ::unlink(dir_.file("a.db").c_str());
        Worker worker = start({"--once", "--config", file}, environment);
        EXPECT_EQ(worker.process.wait(limit), ExitStatus{}) << worker.output();
        return worker.output();
    }
    static std::string address(const Receiver& proxy, const std::string& user = "") {
        return "http://" + user + "127.0.0.1:" + std::to_string(proxy.port());
    }
    // Of requests for this, whole or for a tunnel.
    static long asked(const Receiver& proxy, const std::string& what) {
        const auto lines = proxy.journal();
        return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.find("Request (") != std::string::npos &&
                   line.find(what) != std::string::npos;
        });
    }
};

TEST_F(ProxyTest, RequestsGoThroughItAndOnlyWhereItIsNamed) {
    const Receiver proxy = Receiver::proxy();
    EXPECT_THAT(once(with_host("")), HasSubstr("http=200"));
    EXPECT_EQ(asked(proxy, simulator_.url()), 0);
    EXPECT_THAT(once(with_host("proxy = \"" + address(proxy) + "\"\n")), HasSubstr("http=200"));
    EXPECT_GT(asked(proxy, "POST " + simulator_.url()), 0);
    // The environment's, as any program has it; and none at all, whatever it says.
    const Environment environment = {{"http_proxy", address(proxy)}, {"no_proxy", ""}};
    long before = asked(proxy, simulator_.url());
    EXPECT_THAT(once(with_host(""), environment), HasSubstr("http=200"));
    EXPECT_GT(asked(proxy, simulator_.url()), before);
    before = asked(proxy, simulator_.url());
    EXPECT_THAT(once(with_host("proxy = \"\"\n"), environment), HasSubstr("http=200"));
    EXPECT_EQ(asked(proxy, simulator_.url()), before);
    // What stands in the file is meant for this host, whatever `no_proxy` says.
    EXPECT_THAT(once(with_host("proxy = \"" + address(proxy) + "\"\n"), {{"no_proxy", "*"}}),
                HasSubstr("http=200"));
    EXPECT_GT(asked(proxy, simulator_.url()), before);
}

TEST_F(ProxyTest, ItsPasswordIsASecretAndTheControlIsRefused) {
    const Receiver proxy = Receiver::proxy("me:s3cret");
    const std::string file = with_host("proxy = { env = \"ONELOOP_TEST_PROXY\" }\n");
    const auto with = [&](const std::string& user) {
        return once(file, {{"ONELOOP_TEST_PROXY", address(proxy, user)}});
    };
    const std::string good = with("me:s3cret@");
    EXPECT_THAT(good, HasSubstr("http=200"));
    EXPECT_THAT(good, Not(HasSubstr("s3cret")));
    const long polled = simulator_.counter("total");
    for (const char* user : {"", "me:wrong@"})
        EXPECT_THAT(with(user), Not(HasSubstr("http=200"))) << user;
    EXPECT_EQ(simulator_.counter("total"), polled);
}

// A proxy that is not there is a source that is down, and no way around it is taken.
TEST_F(ProxyTest, WithoutItNothingIsAsked) {
    const std::string output = once(with_host("proxy = \"http://127.0.0.1:1\"\n"));
    EXPECT_THAT(output, Not(HasSubstr("http=200")));
    EXPECT_THAT(output, HasSubstr("down"));
    EXPECT_EQ(simulator_.counter("total"), 0);
}

// TLS goes through a tunnel, and is the server's and not the proxy's.
TEST_F(ProxyTest, TlsIsATunnel) {
    const Receiver proxy = Receiver::proxy();
    const Receiver server = Receiver::web();
    const std::string host = "localhost:" + std::to_string(server.port());
    const std::string file = dir_.file("tls.toml");
    test::write_file(
        file, "version = 1\njob = \"a\"\nstate = \"a.db\"\n[host.\"" + host + "\"]\nproxy = \"" +
                  address(proxy) + "\"\nca = \"" + server.directory() +
                  "/cert.pem\"\n[[watch]]\nid = \"w\"\n" +
                  "dates = { next = 1 }\n[watch.source]\nurl = \"https://" + host +
                  "/\"\nitems = \"/version\"\nid = \"{x}\"\nfields = { title = \"x\" }\n");
    const std::string output = once(file);
    EXPECT_THAT(output, HasSubstr("/version is not a list"));  // the server's reply
    EXPECT_EQ(asked(proxy, "CONNECT " + host), 1) << output;
    EXPECT_EQ(server.count("GET / 200 HTTP/2"), 1);
}

}  // namespace
}  // namespace oneloop
