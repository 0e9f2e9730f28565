// What the build writes itself is held back, and a person's save is not.
#include "supervisor/build_writes.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

using Held = BuildWrites::Held;

TEST(BuildWrites, what_every_build_in_a_row_has_written_is_the_builds) {
    BuildWrites writes;
    for (int i = 0; i < 3; ++i) {
        writes.started();
        EXPECT_EQ(writes.changed("gen.h", true), std::nullopt) << i;
        EXPECT_EQ(writes.changed("gen.h", true), std::nullopt) << "the same build counts once";
    }
    writes.started();
    EXPECT_EQ(writes.changed("gen.h", true), (Held{"gen.h", true}));
    EXPECT_EQ(writes.changed("gen.h", true), (Held{"gen.h", false}));
    EXPECT_EQ(writes.changed("app.cpp", true), std::nullopt);
}

TEST(BuildWrites, a_save_between_two_builds_breaks_the_row) {
    BuildWrites writes;
    for (int i = 0; i < 10; ++i) {
        writes.started();
        EXPECT_EQ(writes.changed("app.cpp", true), std::nullopt) << i;
        if (i % 3 != 2) continue;
        EXPECT_EQ(writes.changed("app.cpp", false), std::nullopt);
    }
}

TEST(BuildWrites, a_build_without_it_breaks_the_row) {
    BuildWrites writes;
    for (int i = 0; i < 20; ++i) {
        writes.started();
        if (i % 3 == 0) continue;
        EXPECT_EQ(writes.changed("app.cpp", true), std::nullopt) << i;
    }
}

TEST(BuildWrites, what_is_the_builds_stays_so_over_a_persons_saves) {
    BuildWrites writes;
    for (int i = 0; i < 4; ++i) {
        writes.started();
        (void)writes.changed("gen.h", true);
    }
    writes.done();
    EXPECT_EQ(writes.changed("app.cpp", false), std::nullopt);
    writes.started();
    EXPECT_EQ(writes.changed("gen.h", true), (Held{"gen.h", true}));
}

TEST(BuildWrites, while_no_build_runs_its_changes_count) {
    BuildWrites writes;
    for (int i = 0; i < 4; ++i) {
        writes.started();
        (void)writes.changed("gen.h", true);
    }
    EXPECT_EQ(writes.changed("gen.h", false), std::nullopt);
}

TEST(BuildWrites, a_build_that_is_done_without_it_forgives) {
    BuildWrites writes;
    for (int i = 0; i < 4; ++i) {
        writes.started();
        (void)writes.changed("gen.h", true);
    }
    writes.started();
    writes.done();
    writes.started();
    EXPECT_EQ(writes.changed("gen.h", true), std::nullopt);
}

TEST(BuildWrites, beyond_the_limit_nothing_is_held) {
    BuildWrites writes({2, 1});
    for (int i = 0; i < 5; ++i) {
        writes.started();
        (void)writes.changed("a", true);
        EXPECT_EQ(writes.changed("b", true), std::nullopt);
    }
}

}  // namespace
}  // namespace oneloop
