#include "worker/presets.h"

namespace oneloop::worker {

SourceSpec megabox_source(const std::string& server, const std::string& branch) {
    const std::string site = megabox_server;  // what the API expects in Referer, wherever it runs
    SourceSpec spec;
    spec.method = "POST";
    spec.url = server + "/on/oh/ohc/Brch/schedulePage.do";
    spec.headers = {{"Referer", site + "/booking/timetable"},
                    {"X-Requested-With", "XMLHttpRequest"},
                    {"Accept", "application/json"}};
    spec.body = SourceSpec::Body::form;
    spec.form = {{"masterType", "brch"},     {"detailType", "area"}, {"brchNo", branch},
                 {"brchNo1", branch},        {"firstAt", "Y"},       {"playDe", "{date:%Y%m%d}"},
                 {"crtDe", "{today:%Y%m%d}"}};
    spec.ok = OkTest{"/statCd", "0"};
    spec.require = {"/megaMap"};
    spec.items = "/megaMap/movieFormList";
    spec.id = "{playSchdlNo}";
    spec.unescape = true;
    spec.block_markers = {"Workload is so high"};
    spec.same = {
        {"brchNo", branch}, {"playDe", "{date:%Y%m%d}"}, {"/megaMap/playDe", "{date:%Y%m%d}"}};
    spec.dates = DateList{"/megaMap/movieFormDeList", "playDe", "formAt", "Y"};
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

}  // namespace oneloop::worker
