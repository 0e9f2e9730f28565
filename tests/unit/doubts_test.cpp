// doubts and same_saves: what may turn out to be no change, and the line about it.
#include "supervisor/doubts.h"

#include <gmock/gmock.h>

#include "supervisor/same_saves.h"

namespace oneloop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Doubt = Doubts::Doubt;

constexpr SteadyTime begin{};

TEST(Doubts, a_removal_counts_after_50_ms_unless_the_file_is_back) {
    Doubts doubts;
    EXPECT_FALSE(doubts.removed("a", begin));
    EXPECT_FALSE(doubts.removed("b", begin + milliseconds(1)));
    EXPECT_EQ(doubts.deadline(), begin + milliseconds(50));
    EXPECT_TRUE(doubts.back("b"));
    EXPECT_FALSE(doubts.back("b"));
    EXPECT_THAT(doubts.due(begin + milliseconds(49)), IsEmpty());
    EXPECT_THAT(doubts.due(begin + milliseconds(50)), ElementsAre(Doubt{"a", true}));
    EXPECT_EQ(doubts.deadline(), std::nullopt);
}

TEST(Doubts, a_second_removal_does_not_prolong_the_first) {
    Doubts doubts;
    doubts.removed("a", begin);
    doubts.removed("a", begin + milliseconds(30));
    EXPECT_EQ(doubts.deadline(), begin + milliseconds(50));
}

TEST(Doubts, new_and_gone_again_is_nothing) {
    Doubts doubts;
    doubts.fresh("a.tmp", begin);
    EXPECT_TRUE(doubts.is_fresh("a.tmp"));
    EXPECT_FALSE(doubts.back("a.tmp")) << "it was not gone";
    EXPECT_TRUE(doubts.removed("a.tmp", begin + milliseconds(1)));
    EXPECT_FALSE(doubts.is_fresh("a.tmp"));
    EXPECT_EQ(doubts.deadline(), std::nullopt);
}

TEST(Doubts, a_new_file_that_is_written_on_and_on_counts_in_the_end) {
    Doubts doubts;
    SteadyTime now = begin;
    for (; now < begin + milliseconds(60); now += milliseconds(2)) {
        if (!doubts.due(now).empty()) break;
        doubts.fresh("a", now);
    }
    EXPECT_EQ(now, begin + milliseconds(50));
}

TEST(Doubts, all_are_taken_in_the_order_in_which_they_began) {
    Doubts doubts;
    for (const char* name : {"c", "a", "d", "b"})
        doubts.removed(name, begin);
    doubts.fresh("e", begin);
    EXPECT_THAT(doubts.all(), ElementsAre(Doubt{"c", true}, Doubt{"a", true}, Doubt{"d", true},
                                          Doubt{"b", true}, Doubt{"e", false}));
    EXPECT_THAT(doubts.all(), IsEmpty());
}

using Summary = SameSaves::Summary;

TEST(SameSaves, a_burst_is_one_line) {
    SameSaves saves;
    for (int i = 0; i < 300; ++i)
        saves.saved("f" + std::to_string(i % 150), begin + milliseconds(i));
    EXPECT_EQ(saves.due(begin + milliseconds(200)), std::nullopt);
    EXPECT_EQ(saves.due(begin + seconds(1)), (Summary{"f0", 150}));
    EXPECT_EQ(saves.deadline(), std::nullopt);
}

TEST(SameSaves, what_never_ends_is_said_after_a_second) {
    SameSaves saves;
    for (int i = 0; i < 100; ++i)
        saves.saved("f" + std::to_string(i), begin + milliseconds(50 * i));
    EXPECT_EQ(saves.deadline(), begin + seconds(1));
}

TEST(SameSaves, one_path_has_three_lines_until_the_next_start) {
    SameSaves saves;
    SteadyTime now = begin;
    const auto lines = [&] {
        int count = 0;
        for (int i = 0; i < 10; ++i, now += seconds(1)) {
            saves.saved("state.json", now);
            if (saves.due(now + milliseconds(500))) ++count;
        }
        return count;
    };
    EXPECT_EQ(lines(), 3);
    saves.started();
    EXPECT_EQ(lines(), 3);
}

TEST(SameSaves, a_change_makes_the_line_superfluous) {
    SameSaves saves;
    saves.saved("a", begin);
    saves.drop();
    EXPECT_EQ(saves.deadline(), std::nullopt);
    EXPECT_EQ(saves.due(begin + seconds(5)), std::nullopt);
}

}  // namespace
}  // namespace oneloop
