#include "worker/channel.h"

namespace oneloop::worker {

Wording default_wording() {
    return {"[oneloop] {watch}: {news}",
            "{kind}  {date:%m/%d(%a)} {start}~{end}  {screen}  {seats}/{seats_total}  {title} "
            "{format}  {link}",
            "{items}\n{detected} · {watch} · #{tick}\n"};
}

std::string default_body(Channel::Kind kind) {
    if (kind == Channel::Kind::webhook)
        return R"({"id": "{key}", "subject": "{subject}", "text": "{text}"})";
    return "{subject}\n\n{text}";
}

std::string_view name_of(Channel::Kind kind) {
    switch (kind) {
        case Channel::Kind::smtp:
            return "smtp";
        case Channel::Kind::webhook:
            return "webhook";
        case Channel::Kind::exec:
            return "exec";
    }
    return "smtp";
}

}  // namespace oneloop::worker
