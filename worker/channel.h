// Channel: where messages go, as the configuration says it, complete and with its secrets read.
//
// Not for sending (mailer.h, webhook.h, exec_channel.h). Plain values; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "worker/mime.h"
#include "worker/outbox.h"
#include "worker/quiet.h"

namespace oneloop::worker {

// A value that may be a secret, and where it came from: "env NAME", "file PATH",
// "credential NAME", or empty when it stands in the configuration itself.
struct Setting {
    std::string value;
    std::string from;
};

// The words of a message; `{name}` is replaced (template.h).
struct Wording {
    std::string subject;
    std::string item;  // one line for each showtime
    std::string text;  // with {items}
};

// Where a mail that was accepted can be seen: a mailbox that files a copy of everything sent.
struct Mailbag {
    std::string url;     // imaps://HOST (TLS from the start) or imap://HOST (STARTTLS); empty: none
    std::string folder;  // as the server names it, in ASCII
    std::string user;
    Setting password;
};

struct Channel {
    enum class Kind { smtp, webhook, exec };
    enum class Tls { required, off };

    std::string id;
    Kind kind = Kind::smtp;
    RetryRule rule;
    // Of one answer. Shorter than the 35 s that the supervisor gives a worker to stop, so that a
    // reload waits for an answer that is owed and never cuts it off.
    std::chrono::milliseconds timeout{25'000};
    Wording wording;
    std::optional<QuietHours> quiet;

    Setting url;  // smtp: smtp://HOST:PORT (STARTTLS) or smtps://; webhook: http(s)://

    // smtp
    Tls tls = Tls::required;
    std::string ca;  // file of certificates; empty: the system's
    std::string user;
    Setting password;
    Mailbox from;
    std::vector<Mailbox> to;  // a message for each
    std::string message_id_domain;
    Mailbag verify;

    // webhook
    std::string method = "POST";
    std::vector<std::pair<std::string, Setting>> headers;
    std::string content_type = "application/json";
    std::string idempotency_header = "Idempotency-Key";  // empty: none

    // exec: the program and its arguments, no shell
    std::vector<std::string> command;

    // webhook and exec: what is sent; {name} is replaced, in JSON with its escapes
    std::string body;
};

std::string_view name_of(Channel::Kind kind);
Wording default_wording();
std::string default_body(Channel::Kind kind);

}  // namespace oneloop::worker
