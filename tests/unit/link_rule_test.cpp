#include "supervisor/link_rule.h"

#include <gtest/gtest.h>

namespace oneloop {
namespace {

TEST(LinkRule, what_lies_elsewhere_is_followed) {
    EXPECT_EQ(why_not_followed("/other", {"/project"}), std::nullopt);
    EXPECT_EQ(why_not_followed("/project2", {"/project"}), std::nullopt);
    EXPECT_EQ(why_not_followed("/pro", {"/project"}), std::nullopt);
    EXPECT_EQ(why_not_followed("/other", {}), std::nullopt);
}

TEST(LinkRule, what_is_watched_already_is_not) {
    const std::string inside = "leads into /project, which is watched";
    EXPECT_EQ(why_not_followed("/project", {"/a", "/project"}), inside);
    EXPECT_EQ(why_not_followed("/project/app/x", {"/a", "/project"}), inside);
    EXPECT_EQ(why_not_followed("/usr", {"/"}), "leads into /, which is watched");
}

TEST(LinkRule, nor_what_holds_the_tree) {
    EXPECT_EQ(why_not_followed("/srv", {"/srv/me/project"}), "leads to what holds /srv/me/project");
    EXPECT_EQ(why_not_followed("/", {"/srv"}), "leads to what holds /srv");
}

}  // namespace
}  // namespace oneloop
