// What is asked of whom, and how: [watch.source], its presets, and [host].
#include <algorithm>

#include "tests/support/config_fixture.h"

namespace oneloop::worker::test_config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Config, APresetIsTheSpelledOutSource) {
    const Config config = config_of(R"(version = 1
[[watch]]
id = "short"
dates = ["2025-12-03"]
source = { preset = "megabox", branch = "1351" }
[[watch]]
id = "long"
dates = [2025-12-03]
[watch.source]
url = "https://www.megabox.co.kr/on/oh/ohc/Brch/schedulePage.do"
headers = { Referer = "https://www.megabox.co.kr/booking/timetable", X-Requested-With = "XMLHttpRequest", Accept = "application/json" }
form = { masterType = "brch", detailType = "area", brchNo = "1351", brchNo1 = "1351", firstAt = "Y", playDe = "{date:%Y%m%d}", crtDe = "{today:%Y%m%d}" }
ok = { at = "/statCd", equals = 0 }
require = ["/megaMap"]
items = "/megaMap/movieFormList"
id = "{playSchdlNo}"
unescape = true
block_markers = ["Workload is so high"]
same = { brchNo = "1351", playDe = "{date:%Y%m%d}", "/megaMap/playDe" = "{date:%Y%m%d}" }
date_list = { items = "/megaMap/movieFormDeList", date = "playDe", field = "formAt", equals = "Y" }
[watch.source.fields]
title = "rpstMovieNm|movieNm"
bookable = { from = "bokdAbleAt", equals = "Y" }
link = "https://www.megabox.co.kr/bookingByPlaySchdlNo?playSchdlNo={playSchdlNo}"
)");
    const SourceSpec& a = config.watches[0].sources[0];
    const SourceSpec& b = config.watches[1].sources[0];
    const auto sorted = [](Pairs pairs) {
        std::sort(pairs.begin(), pairs.end());
        return pairs;
    };
    EXPECT_EQ(a.method, b.method);
    EXPECT_EQ(a.url, b.url);
    EXPECT_EQ(sorted(a.headers), sorted(b.headers));
    EXPECT_EQ(sorted(a.form), sorted(b.form));
    EXPECT_EQ(sorted(a.same), sorted(b.same));
    EXPECT_EQ(a.ok->at + a.ok->equals, b.ok->at + b.ok->equals);
    EXPECT_EQ(a.require, b.require);
    EXPECT_EQ(a.items, b.items);
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.unescape, b.unescape);
    EXPECT_EQ(a.block_markers, b.block_markers);
    EXPECT_EQ(a.fields.at("title").from, b.fields.at("title").from);
    EXPECT_EQ(a.fields.at("bookable").equals, b.fields.at("bookable").equals);
    EXPECT_EQ(a.fields.at("link").text, b.fields.at("link").text);
    EXPECT_EQ(a.dates->field, b.dates->field);
    EXPECT_EQ(config.watches[0].dates.list, config.watches[1].dates.list);
}

TEST(Config, AJsonBodyKeepsItsPlaceholders) {
    const Config config = config_of(R"(version = 1
[[watch]]
id = "a"
dates = { next = 1 }
[watch.source]
url = "https://example.test/"
json = { playDe = "{date:%Y%m%d}", n = 1 }
items = "/list"
id = "{id}"
fields = { title = "t" }
)");
    const Date date{std::chrono::year{2025} / 12 / 3};
    const HttpRequest request = make_request(config.watches[0].sources[0], date, date);
    EXPECT_EQ(request.method, "POST");
    EXPECT_THAT(request.json, HasSubstr("\"20251203\""));
}

// Some APIs want a JSON text inside one field of a form.
TEST(Config, AFieldOfAFormMayBeJson) {
    const Config config = config_of(R"(version = 1
[[watch]]
id = "a"
dates = { next = 1 }
[watch.source]
url = "https://example.test/"
items = "/list"
id = "{id}"
fields = { title = "t", seats = { from = "s", type = "int" } }
[watch.source.form]
plain = 1
[watch.source.form.ParamList]
MethodName = "극장 \"A\""
playDate = "{date:%Y-%m-%d}"
list = [1, true]
)");
    const SourceSpec& spec = config.watches[0].sources[0];
    const Date date{std::chrono::year{2025} / 12 / 3};
    const HttpRequest request = make_request(spec, date, date);
    EXPECT_EQ(request.form[0].first, "ParamList");
    EXPECT_EQ(request.form[0].second,
              R"({"MethodName":"극장 \"A\"","list":[1,true],"playDate":"2025-12-03"})");
    EXPECT_EQ(request.form[1], (std::pair<std::string, std::string>{"plain", "1"}));
    EXPECT_TRUE(spec.fields.at("seats").strict);
    EXPECT_FALSE(spec.fields.at("title").strict);
}

TEST(Config, BothRequestFormsOfMegaboxAndSeveralBranches) {
    const auto sources = [](const std::string& source) {
        return config_of(
                   "version = 1\n[[watch]]\nid = \"a\"\ndates = \"open\"\nsource = { preset = "
                   "\"megabox\", " +
                   source + " }\n")
            .watches[0]
            .sources;
    };
    const Date date{std::chrono::year{2025} / 12 / 3};
    const auto field = [&](const SourceSpec& spec, const std::string& name) {
        for (const auto& [key, value] : make_request(spec, date, date).form)
            if (key == name) return value;
        return std::string("(not there)");
    };
    const auto schedule = sources(R"(branch = ["7011", "0019"])");
    ASSERT_EQ(schedule.size(), 2U);
    EXPECT_EQ(schedule[1].name, "0019");
    EXPECT_EQ(field(schedule[1], "brchNo1"), "0019");
    EXPECT_EQ(field(schedule[1], "firstAt"), "Y");
    EXPECT_EQ(sources(R"(branch = "7011")")[0].name, "");

    const auto booking = sources(
        R"(branch = ["1","2","3","4","5","6"], area = ["10","10","30","35","45","55"], request = "booking")");
    ASSERT_EQ(booking.size(), 2U);
    EXPECT_THAT(booking[0].url, testing::EndsWith("/on/oh/ohb/SimpleBooking/selectBokdList.do"));
    EXPECT_EQ(booking[0].name, "1+2+3+4+5");
    EXPECT_EQ(field(booking[0], "brchNoListCnt"), "5");
    EXPECT_EQ(field(booking[0], "brchNo5"), "5");
    EXPECT_EQ(field(booking[0], "areaCd5"), "45");
    EXPECT_EQ(field(booking[0], "playDe"), "20251203");
    EXPECT_EQ(field(booking[1], "brchNoListCnt"), "1");
    EXPECT_EQ(field(booking[1], "areaCd1"), "55");
    EXPECT_EQ(sources(R"(branch = ["1", "2"], request = "booking")").size(), 1U);
}

TEST(Config, AHostHasARateAndABackOff) {
    const auto watch = [](const std::string& more) {
        return config_of(std::string(smallest) + "[host.\"www.megabox.co.kr\"]\n" + more)
            .watches[0];
    };
    EXPECT_EQ(watch("").host.name, "www.megabox.co.kr");
    EXPECT_EQ(watch("").host.per_second, 1);
    EXPECT_EQ(watch("").host.burst, 2);
    EXPECT_EQ(watch("rate = \"30/min\"\nburst = 3\n").host.per_second, 0.5);
    EXPECT_EQ(watch("rate = \"0.25/s\"\nburst = 3\n").host.burst, 3);
    EXPECT_EQ(watch("rate = \"1/h\"\n").host.per_second, 1.0 / 3600);
    EXPECT_EQ(watch("backoff = \"3s..10min\"\n").pace.backoff_first, 3s);
    EXPECT_EQ(watch("backoff = \"3s..10min\"\n").pace.backoff_longest, 10min);
    // Nobody else is on loopback.
    const Config near =
        config_of(std::string(smallest) + "[preset.megabox]\nserver = \"http://127.0.0.1:8377\"\n");
    EXPECT_EQ(near.watches[0].host.per_second, 0);
}

TEST(Config, HostsApplyByNameWithAndWithoutPort) {
    for (const char* host : {"127.0.0.1", "127.0.0.1:8377"}) {
        const Config config =
            config_of(std::string(smallest) +
                      "[preset.megabox]\nserver = \"http://127.0.0.1:8377/\"\n[host.\"" + host +
                      "\"]\ntimeout = \"2s\"\nuser_agent = \"me\"\n");
        EXPECT_EQ(config.watches[0].timeout, 2s) << host;
        EXPECT_EQ(config.watches[0].user_agent, "me");
    }
}

TEST(Config, EveryMistakeInASourceOrHostHasItsPlace) {
    struct Case {
        const char* text;
        const char* expected;  // beginning of a line of the report
    };
    const Case cases[] = {
        {"version = 1\n[preset.megabox]\nserver = \"ftp://x\"\n", "f:3:10: preset.megabox.server"},
        {"version = 1\n[preset.cgv]\n", "f:2:9: unknown key 'preset.cgv'"},
        {"version = 1\n[host.\"a\"]\ntimeout = \"1\"\n",
         "f:3:11: host.timeout: '1' is not a duration"},
        {"version = 1\n[host.\"a\"]\ntimeout = \"1ms\"\n", "f:3:11: host.timeout must be from"},
        {"version = 1\n[host.\"a\"]\nrate = \"11/s\"\n", "f:3:8: host.rate is from"},
        {"version = 1\n[host.\"a\"]\nrate = \"0/s\"\n", "f:3:8: host.rate is from"},
        {"version = 1\n[host.\"a\"]\nrate = \"nan/s\"\n", "f:3:8: host.rate is from"},
        {"version = 1\n[host.\"a\"]\nrate = \"1\"\n", "f:3:8: host.rate is from"},
        {"version = 1\n[host.\"a\"]\nrate = \"1/day\"\n", "f:3:8: host.rate is from"},
        {"version = 1\n[host.\"a\"]\nburst = 0\n", "f:3:9: host.burst is from 1 to 20"},
        {"version = 1\n[host.\"a\"]\nbackoff = \"5min..2s\"\n", "f:3:11: host.backoff is"},
        {"version = 1\n[host.\"a\"]\nuser_agent = \"a\\nb\"\n", "f:3:14: host.user_agent has"},
        {"version = 1\n[[watch]]\nsource = { preset = \"cgv\", branch = \"1\" }\n",
         "f:3:21: source.preset is 'cgv'"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\" }\n",
         "f:3:10: source.branch is missing"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = \"x\" }\n",
         "f:3:41: source.branch must be a number"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = [] }\n",
         "f:3:41: source.branch: from 1 to 20"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = [\"1\", \"\"] }\n",
         "f:3:41: source.branch must be a number"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = 7011 }\n",
         "f:3:41: source.branch must be a text"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = \"1\", request = \"x\" "
         "}\n",
         "f:3:56: source.request is 'x'; it can be schedule, booking"},
        {"version = 1\n[[watch]]\nsource = { preset = \"megabox\", branch = \"1\", area = \"10\" "
         "}\n",
         "f:3:53: source.area is for request"},
        {"version = 1\n[[watch]]\n[watch.source]\nurl = \"example.test\"\n",
         "f:4:7: source.url must start with"},
        {"version = 1\n[[watch]]\n[watch.source]\nurl = \"http://x\"\nmethod = \"PUT\"\n",
         "f:5:10: source.method must be"},
        {"version = 1\n[[watch]]\n[watch.source]\nurl = \"http://a{date:%d}/\"\n",
         "f:4:7: source.url: the host must not be"},
        {"version = 1\n[[watch]]\n[watch.source]\ndate_list = { items = \"list\" }\n",
         "f:4:23: source.date_list.items must start with /"},
        {"version = 1\n[[watch]]\n[watch.source]\nitems = \"list\"\n",
         "f:4:9: source.items must start with /"},
        {"version = 1\n[[watch]]\n[watch.source]\nid = \"x\"\n",
         "f:4:6: source.id must name a field"},
        {"version = 1\n[[watch]]\n[watch.source]\nform = { a = 1 }\njson = { a = 1 }\n",
         "f:5:8: source has both form and json"},
        {"version = 1\n[[watch]]\n[watch.source]\nmethod = \"GET\"\nform = { a = 1 }\n",
         "f:4:10: source.method is GET, which has no form"},
        {"version = 1\n[[watch]]\n[watch.source.fields]\nseats = { from = \"s\", type = \"text\" "
         "}\n",
         "f:4:30: source.fields.seats.type is 'text'; it can only be int"},
        {"version = 1\n[[watch]]\n[watch.source.fields]\ntitle = { from = \"s\", equals = \"a\" "
         "}\n",
         "f:4:32: source.fields.title.equals is for bookable"},
        {"version = 1\n[[watch]]\n[watch.source]\nfields = { titel = \"a\" }\n",
         "f:4:12: unknown key 'source.fields.titel', did you mean 'title'?"},
        {"version = 1\n[[watch]]\n[watch.source]\nheaders = { A = \"x\\ny\" }\n",
         "f:4:11: source.headers.A has a line break"},
    };
    for (const Case& c : cases) {
        EXPECT_THAT("\n" + problems_of(c.text), HasSubstr(std::string("\n") + c.expected))
            << c.text;
    }
}

}  // namespace
}  // namespace oneloop::worker::test_config
