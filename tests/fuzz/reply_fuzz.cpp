// Whatever a cinema sends: no crash, one of the four answers, and showtimes only with what a
// showtime must have. The first byte chooses how the reply is to be read, the second the HTTP code.
// With clang a libFuzzer program (script/fuzz); elsewhere reply_corpus_test feeds it the corpus.
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "common/check.h"
#include "worker/feed.h"
#include "worker/presets.h"
#include "worker/text.h"

namespace {

using namespace oneloop::worker;

// Typed fields, an id of several, no list of dates: as in docs/examples.
SourceSpec generic() {
    SourceSpec spec;
    spec.url = "https://example.test/";
    spec.ok = OkTest{"/IsOK", "true"};
    spec.require = {"/PlaySeqs"};
    spec.items = "/PlaySeqs/Items";
    spec.id = "{PlayDt}-{ScreenID}-{PlaySequence}";
    spec.same = {{"PlayDt", "{date:%Y-%m-%d}|{date:%Y%m%d}"}};
    spec.unescape = true;
    spec.fields["title"].from = {"MovieNameKR", "Name"};
    spec.fields["date"].from = {"PlayDt"};
    spec.fields["start"].from = {"StartTime"};
    spec.fields["seats"].from = {"BookingSeatCount"};
    spec.fields["seats"].strict = true;
    spec.fields["bookable"].from = {"IsBookingYN"};
    spec.fields["bookable"].equals = "Y";
    spec.fields["link"].text = "https://example.test/{ScreenID}?{PlaySequence}";
    return spec;
}

const SourceSpec& chosen(std::uint8_t byte) {
    static const std::array<SourceSpec, 3> specs = {
        megabox_sources("https://example.test", {"7011"}, false, {})[0],
        megabox_sources("https://example.test", {"7011", "1351"}, true, {})[0], generic()};
    return specs.at(byte % specs.size());
}

void check_item(const Item& item) {
    ONELOOP_CHECK(!item.id.empty(), "a showtime has an id");
    ONELOOP_CHECK(item.date.ok(), "and a date that exists");
    ONELOOP_CHECK(item.start_clock, "and begins at some time");
    ONELOOP_CHECK(!item.seats || *item.seats >= 0, "seats are not negative");
    ONELOOP_CHECK(!item.raw.empty() && item.raw.front() == '{', "its row is an object");
    const auto back = from_ledger(item.id, to_ledger(item));
    ONELOOP_CHECK(back, "the ledger can read what it has written");
    Item known = item;
    known.raw.clear();
    ONELOOP_CHECK(*back == known, "and it is the same");
    ONELOOP_CHECK(same_showtime(item, *back), "so that it is no other showtime");
    ONELOOP_CHECK(one_line(item.title, 60).size() <= 63, "a line is as long as it may be");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const Date date{std::chrono::year{2025} / std::chrono::December / 3};
    HttpReply reply;
    constexpr std::array<int, 8> codes = {200, 200, 200, 204, 302, 404, 429, 503};
    reply.code = codes.at(data[1] % codes.size());
    reply.body.assign(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Answer answer = read_reply(reply, chosen(data[0]), date, date);
    if (const auto* rows = std::get_if<Rows>(&answer)) {
        ONELOOP_CHECK(reply.code / 100 == 2, "only success has showtimes");
        ONELOOP_CHECK(!rows->items.empty(), "no showtimes are another answer");
        std::set<std::string> ids;
        for (const Item& item : rows->items) {
            check_item(item);
            ONELOOP_CHECK(ids.insert(item.id).second, "an id is there once");
        }
    } else if (const auto* changed = std::get_if<ChangedShape>(&answer)) {
        ONELOOP_CHECK(!changed->reason.empty(), "a failure has a reason");
    } else if (const auto* blocked = std::get_if<Blocked>(&answer)) {
        ONELOOP_CHECK(!blocked->reason.empty(), "a refusal has a reason");
    }
    (void)parse_retry_after(reply.body);
    return 0;
}
