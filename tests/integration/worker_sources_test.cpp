// The real worker asks the real simulator: how many requests, in which form, about which cinemas.
#include <signal.h>

#include "common/exit_status.h"
#include "tests/support/worker_fixture.h"

namespace oneloop {
namespace {

using test::limit;
using test::wait_until;
using test::WorkerTest;
using testing::HasSubstr;

class SourcesTest : public WorkerTest {
  protected:
    // The fixture's configuration with another watch.
    Worker polling(const std::string& from, const std::string& to) {
        const std::string path = config("s");
        std::string text = test::read_file(path);
        const auto place = text.find(from);
        EXPECT_NE(place, std::string::npos) << from;
        test::write_file(path, text.replace(place, from.size(), to));
        return serving({"--standalone", "--config", path});
    }
    // A tick is counted a moment before it is told.
    static bool says(const Worker& worker, const std::string& text) {
        return wait_until([&] { return worker.output().find(text) != std::string::npos; }, limit);
    }
    static long ticks_told(const Worker& worker) {
        const std::string text = worker.output();
        long count = 0;
        for (std::size_t at = 0; (at = text.find("ev=tick.done", at)) != std::string::npos; ++at)
            ++count;
        return count;
    }
};

TEST_F(SourcesTest, ThreeClosedDatesAreOneRequestATick) {
    simulator_.set_mode("closed");
    Worker worker = serving({"--standalone", "--config", config("s")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 4; }, limit));
    worker.process.signal(SIGTERM);
    ASSERT_TRUE(worker.process.wait(limit));
    const long sent = simulator_.counter("total");
    EXPECT_GE(sent, ticks_told(worker));
    EXPECT_LE(sent, ticks_told(worker) + 1);  // one that the stop has cut off
    EXPECT_THAT(worker.output(), HasSubstr("source=empty"));
}

// Control: the same with dates that are open.
TEST_F(SourcesTest, ThreeOpenDatesAreThreeRequestsATick) {
    const Worker worker = serving({"--standalone", "--config", config("s")});
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 2; }, limit));
    EXPECT_GE(simulator_.counter("total"), 6);
}

TEST_F(SourcesTest, TwoBranchesInOneBookingListAndAllThatIsOpen) {
    const Worker worker =
        polling("dates = { next = 3 }\nsource = { preset = \"megabox\", branch = \"7011\" }",
                "dates = \"open\"\nsource = { preset = \"megabox\", branch = [\"7011\", \"1351\"], "
                "request = \"booking\" }");
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit)) << worker.output();
    // 14 dates with seven shows in each of two branches, and until six in the morning yesterday's;
    // each date is one request for both.
    EXPECT_TRUE(wait_until(
        [&] {
            const std::string text = worker.output();
            return text.find("rows=196 match=196") != std::string::npos ||
                   text.find("rows=210 match=210") != std::string::npos;
        },
        limit))
        << worker.output();
    EXPECT_GE(simulator_.counter("selectBokdList.do"), 14);
    EXPECT_EQ(simulator_.counter("schedulePage.do"), -1);
    EXPECT_THAT(worker.status(), HasSubstr("대구신세계&#40;동대구&#41;"));
    EXPECT_THAT(worker.status(), HasSubstr("코엑스"));
}

TEST_F(SourcesTest, ABranchForEachRequestAndAWrongOneIsFoundOut) {
    const Worker worker = polling("branch = \"7011\"", "branch = [\"7011\", \"1351\"]");
    ASSERT_TRUE(wait_until([&] { return worker.ticks() >= 1; }, limit)) << worker.output();
    EXPECT_TRUE(says(worker, "rows=42 match=42")) << worker.output();
    simulator_.set_mode("wrongbranch");
    ASSERT_TRUE(wait_until(
        [&] { return worker.output().find("asked was 7011") != std::string::npos; }, limit));
    EXPECT_THAT(worker.output(), HasSubstr("7011: a reply to another question"));
}

}  // namespace
}  // namespace oneloop
