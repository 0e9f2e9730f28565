#include "worker/presets.h"

#include <algorithm>

namespace oneloop::worker {
namespace {

constexpr std::size_t most_in_a_booking_list = 5;

// What both forms have in common: the rows, and who asks.
SourceSpec common(const std::string& url) {
    const std::string site = megabox_server;  // what the API expects in Referer, wherever it runs
    SourceSpec spec;
    spec.method = "POST";
    spec.url = url;
    spec.headers = {{"Referer", site + "/booking/timetable"},
                    {"X-Requested-With", "XMLHttpRequest"},
                    {"Accept", "application/json"}};
    spec.body = SourceSpec::Body::form;
    spec.ok = OkTest{"/statCd", "0"};
    spec.id = "{playSchdlNo}";
    spec.unescape = true;
    spec.block_markers = {"Workload is so high"};
    const auto field = [&](const char* name, std::vector<std::string> from) {
        spec.fields[name].from = std::move(from);
    };
    field("title", {"rpstMovieNm", "movieNm"});
    field("date", {"playDe"});
    field("start", {"playStartTime"});
    field("end", {"playEndTime"});
    field("screen", {"theabExpoNm"});
    field("hall_kind", {"theabKindCd"});
    field("format", {"playKindNm"});
    field("seats", {"restSeatCnt"});
    field("seats_total", {"totSeatCnt"});
    field("bookable", {"bokdAbleAt"});
    spec.fields["bookable"].equals = "Y";
    field("branch", {"brchNm"});
    spec.fields["link"].text = site + "/bookingByPlaySchdlNo?playSchdlNo={playSchdlNo}";
    return spec;
}

SourceSpec schedule_of(const std::string& server, const std::string& branch) {
    SourceSpec spec = common(server + "/on/oh/ohc/Brch/schedulePage.do");
    spec.form = {{"masterType", "brch"},     {"detailType", "area"}, {"brchNo", branch},
                 {"brchNo1", branch},        {"firstAt", "Y"},       {"playDe", "{date:%Y%m%d}"},
                 {"crtDe", "{today:%Y%m%d}"}};
    spec.require = {"/megaMap"};
    spec.items = "/megaMap/movieFormList";
    spec.same = {
        {"brchNo", branch}, {"playDe", "{date:%Y%m%d}"}, {"/megaMap/playDe", "{date:%Y%m%d}"}};
    spec.dates = DateList{"/megaMap/movieFormDeList", "playDe", "formAt", "Y"};
    return spec;
}

SourceSpec booking_of(const std::string& server, const std::vector<std::string>& branches,
                      const std::vector<std::string>& areas) {
    SourceSpec spec = common(server + "/on/oh/ohb/SimpleBooking/selectBokdList.do");
    spec.form = {{"arrMovieNo", ""},
                 {"playDe", "{date:%Y%m%d}"},
                 {"brchNoListCnt", std::to_string(branches.size())},
                 {"sellChnlCd", "ONLINE"}};
    std::string any;
    for (std::size_t i = 0; i < branches.size(); ++i) {
        const std::string number = std::to_string(i + 1);
        spec.form.emplace_back("brchNo" + number, branches[i]);
        spec.form.emplace_back("areaCd" + number, i < areas.size() ? areas[i] : "");
        spec.form.emplace_back("spclbYn" + number, "N");
        spec.form.emplace_back("theabKindCd" + number, "");
        any += (any.empty() ? "" : "|") + branches[i];
    }
    spec.items = "/movieFormList";
    spec.same = {{"brchNo", any}, {"playDe", "{date:%Y%m%d}"}};
    spec.dates = DateList{"/movieFormDeList", "playDe", "formAt", "Y"};
    return spec;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts)
        all += (all.empty() ? "" : "+") + text;
    return all;
}

}  // namespace

std::vector<SourceSpec> megabox_sources(const std::string& server,
                                        const std::vector<std::string>& branches, bool booking,
                                        const std::vector<std::string>& areas) {
    std::vector<SourceSpec> sources;
    const std::size_t step = booking ? most_in_a_booking_list : 1;
    for (std::size_t i = 0; i < branches.size(); i += step) {
        const auto cut = [&](const std::vector<std::string>& all) {
            const auto from = std::min(i, all.size());
            const auto to = std::min(i + step, all.size());
            return std::vector<std::string>(all.begin() + static_cast<std::ptrdiff_t>(from),
                                            all.begin() + static_cast<std::ptrdiff_t>(to));
        };
        const std::vector<std::string> some = cut(branches);
        sources.push_back(booking ? booking_of(server, some, cut(areas))
                                  : schedule_of(server, some[0]));
        if (branches.size() > step) sources.back().name = joined(some);
    }
    return sources;
}

}  // namespace oneloop::worker
