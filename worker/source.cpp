#include "worker/source.h"

#include "worker/text.h"

namespace oneloop::worker {

HttpRequest make_request(const SourceSpec& spec, Date date, Date today) {
    const auto filled = [&](const std::string& text) { return expand_dates(text, date, today); };
    HttpRequest request;
    request.method = spec.method;
    request.url = filled(spec.url);
    request.body = spec.body;
    request.json = filled(spec.json);
    for (const auto& [name, value] : spec.headers)
        request.headers.emplace_back(name, filled(value));
    for (const auto& [name, value] : spec.form)
        request.form.emplace_back(name, filled(value));
    return request;
}

}  // namespace oneloop::worker
