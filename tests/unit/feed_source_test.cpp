// What a source may be: the two request forms, the list of dates, declared types.
#include "tests/support/feed_fixture.h"

namespace oneloop::worker::test_feed {
namespace {

// What the list of dates says is passed on, and half a list is none.
TEST(Feed, TheListOfDatesComesWithTheAnswer) {
    const Date next = plus_days(date, 1);
    const Listed both = {{date, false}, {next, true}};
    EXPECT_EQ(std::get<Empty>(read(megabox("null", dates))).listed, both);
    EXPECT_EQ(std::get<Empty>(read(megabox("[]", dates))).listed, both);
    EXPECT_EQ(std::get<Rows>(read(megabox(list(row), dates))).listed, both);
    for (const char* bad : {"[]", "null", "{}", "5", "[5]", R"([{"playDe":"20251203"}])",
                            R"([{"playDe":"soon","formAt":"Y"}])",
                            R"([{"playDe":"20251204","formAt":"Y"},{"formAt":"Y"}])"}) {
        EXPECT_EQ(std::get<Rows>(read(megabox(list(row), bad))).listed, Listed{}) << bad;
    }
    // Twice, for two cinemas: open where one of them is.
    EXPECT_EQ(std::get<Rows>(read(megabox(list(row), R"([{"playDe":"20251204","formAt":"Y"},
                                          {"playDe":"20251204","formAt":"N"}])")))
                  .listed,
              (Listed{{next, true}}));
}

// The other request form of the site: several branches in one reply, which begins with a BOM.
TEST(Feed, ABookingListOfSeveralBranches) {
    const auto spec = megabox_sources("https://www.megabox.co.kr", {"7011", "1351"}, true, {})[0];
    const std::string second = with(R"("brchNo":"7011")", R"("brchNo":"1351")");
    const auto body = [](const std::string& rows) {
        return "\xEF\xBB\xBF{\"statCd\":0,\"msg\":\"success\",\"movieFormDeList\":" +
               std::string(dates) + ",\"movieFormList\":" + rows + "}";
    };
    const std::string other = "\"playSchdlNo\":\"2512031351001\"";
    std::string two = second;
    two.replace(two.find("\"playSchdlNo\":\"2512037011012\""), other.size(), other);
    const Answer good = read_reply(reply(200, body(list(row + ("," + two)))), spec, date, today);
    ASSERT_TRUE(std::holds_alternative<Rows>(good)) << shape(good);
    EXPECT_EQ(std::get<Rows>(good).items.size(), 2U);
    EXPECT_EQ(std::get<Rows>(good).listed.size(), 2U);
    EXPECT_TRUE(
        std::holds_alternative<Empty>(read_reply(reply(200, body("null")), spec, date, today)));
    for (const char* stranger : {"1372", "", "7011|1351", "701"}) {
        const std::string wrong =
            list(with(R"("brchNo":"7011")", R"("brchNo":")" + std::string(stranger) + "\""));
        EXPECT_NE(shape(read_reply(reply(200, body(wrong)), spec, date, today)).find("brchNo is"),
                  std::string::npos)
            << stranger;
    }
}

// `type = "int"`: a word where a number belongs is another language. Nothing at all is not.
TEST(Feed, ADeclaredNumberHasToBeOne) {
    auto spec = megabox_sources("https://www.megabox.co.kr", {"7011"}, false, {})[0];
    spec.fields["seats"].strict = true;
    const auto seats = [&](const std::string& value) {
        const std::string body =
            megabox(list(with(R"("restSeatCnt":12)", R"("restSeatCnt":)" + value)));
        return read_reply(reply(200, body), spec, date, today);
    };
    for (const char* none : {"null", "\"\"", "[1]"})
        EXPECT_EQ(only_item(seats(none)).seats, std::nullopt) << none;
    EXPECT_EQ(only_item(seats("\"7\"")).seats, 7);
    EXPECT_EQ(shape(seats("\"many\"")), "row 2512037011012 has the seats 'many'");
    EXPECT_EQ(shape(seats("-1")), "row 2512037011012 has the seats '-1'");
}

}  // namespace
}  // namespace oneloop::worker::test_feed
