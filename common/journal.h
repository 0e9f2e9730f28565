// journal: an event of the log as the journal wants it, with its fields beside the sentence:
// systemd's native protocol, one datagram an entry.
//
// Not by sd_journal_sendv(3): that waits while the journal does not read, and a supervisor waits
// for nobody. Not for standard error (log). Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/log.h"

namespace oneloop::journal {

// Is this descriptor connected to the journal? By $JOURNAL_STREAM (systemd.exec(5)).
bool is_stream(int fd);

// From here on our log goes there, and what it does not take to standard error. Call in main.
void take();
bool taken();

// MESSAGE_ID= of an event: stays the same over versions (docs/log.md). "": it has none.
std::string_view message_id(std::string_view event);

struct Context {
    std::string program;           // SYSLOG_IDENTIFIER=
    std::uint64_t generation = 0;  // ONELOOP_GENERATION=, unless the event has one; 0: none yet
};
// MESSAGE, PRIORITY, MESSAGE_ID, ONELOOP_EVENT, ONELOOP_GENERATION, and each field of the event in
// upper case behind ONELOOP_.
std::string entry(const log::Event& event, const Context& context);

// False: the journal does not read, or is not there. `socket`: another one, for tests.
bool send(const std::string& entry, const char* socket = "/run/systemd/journal/socket");

}  // namespace oneloop::journal
