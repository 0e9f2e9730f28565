// A reply of Megabox as a text, and what is read from it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "worker/feed.h"
#include "worker/presets.h"
#include "worker/text.h"

namespace oneloop::worker::test_feed {

constexpr Date date{std::chrono::year{2025} / std::chrono::December / 3};
constexpr Date today{std::chrono::year{2025} / std::chrono::November / 25};

inline const char* const row =
    R"({"playSchdlNo":"2512037011012","brchNo":"7011","brchNm":"대구신세계&#40;동대구&#41;",
        "rpstMovieNm":"별의 아이 &#40;재개봉&#41;","movieNm":"별의 아이","playDe":"20251203",
        "playStartTime":"24:10","playEndTime":"26:25","theabExpoNm":"돌비 시네마",
        "theabKindCd":"DBC","playKindNm":"2D&#40;자막&#41;","restSeatCnt":12,"totSeatCnt":216,
        "bokdAbleAt":"Y"})";
inline const char* const dates =
    R"([{"playDe":"20251203","formAt":"N"},{"playDe":"20251204","formAt":"Y"}])";

inline std::string megabox(const std::string& rows, const std::string& listed = "[]") {
    return R"({"statCd":0,"megaMap":{"playDe":"20251203","movieFormList":)" + rows +
           R"(,"movieFormDeList":)" + listed + "}}";
}

inline std::string list(const std::string& rows) {
    return "[" + rows + "]";
}

inline HttpReply reply(int code, const std::string& body) {
    HttpReply result;
    result.code = code;
    result.body = body;
    return result;
}

inline Answer read(const HttpReply& got) {
    const auto sources = megabox_sources("https://www.megabox.co.kr", {"7011"}, false, {});
    return read_reply(got, sources[0], date, today);
}
inline Answer read(const std::string& body) {
    return read(reply(200, body));
}

inline std::string shape(const Answer& answer) {
    const auto* changed = std::get_if<ChangedShape>(&answer);
    return changed ? changed->reason : "(not a changed shape)";
}

// `row` with one value replaced.
inline std::string with(const std::string& from, const std::string& to) {
    std::string text = row;
    const auto found = text.find(from);
    EXPECT_NE(found, std::string::npos);
    return text.replace(found, from.size(), to);
}

inline Item only_item(const Answer& answer) {
    const auto* rows = std::get_if<Rows>(&answer);
    EXPECT_TRUE(rows && rows->items.size() == 1) << shape(answer);
    return rows ? rows->items.front() : Item{};
}

}  // namespace oneloop::worker::test_feed
