// Whatever a cinema calls its films and a user his watches: no crash, a mail has its own headers
// and no others, and a JSON body stays JSON. The input is cut at NULs into the texts of a message.
// With clang a libFuzzer program (script/fuzz); elsewhere message_corpus_test feeds it the corpus.
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "common/check.h"
#include "worker/message.h"
#include "worker/template.h"

namespace {

using namespace oneloop::worker;

class Texts {
  public:
    explicit Texts(std::string_view bytes) : rest_(bytes) {}
    std::string next() {
        const auto end = std::min(rest_.find('\0'), rest_.size());
        const std::string text(rest_.substr(0, end));
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return text;
    }

  private:
    std::string_view rest_;
};

Telling telling_of(Texts& texts, std::uint8_t byte) {
    using About = Telling::About;
    constexpr std::array<About, 6> kinds = {About::news, About::digest, About::overflow,
                                            About::test, About::down,   About::up};
    Telling telling;
    telling.about = kinds.at(byte % kinds.size());
    telling.language = byte & 0x80U ? Language::en : Language::ko;
    telling.job = "job";
    telling.watch = "watch";
    telling.name = texts.next();
    telling.reason = texts.next();
    Item item;
    item.id = texts.next();
    item.title = texts.next();
    item.date = Date{std::chrono::year{2025} / std::chrono::December / 3};
    item.start = texts.next();
    item.screen = texts.next();
    item.link = texts.next();
    item.seats = 5;
    telling.events = {{EventKind::opened, item, 1}, {EventKind::gone, item, 2}};
    for (const Event& event : telling.events)
        telling.ids.push_back(event_id(telling.job, telling.watch, event));
    return telling;
}

void check_mail(const NewMessage& message) {
    const std::string_view mail = message.payload;
    std::size_t begin = 0;
    bool head = true;
    std::multiset<std::string_view> names;
    while (begin < mail.size()) {
        const auto end = mail.find("\r\n", begin);
        ONELOOP_CHECK(end != std::string_view::npos, "every line ends as a line of a mail does");
        const std::string_view line = mail.substr(begin, end - begin);
        for (const char c : line)
            ONELOOP_CHECK(c == '\t' || (c >= 0x20 && c < 0x7F), "seven bits, printable");
        ONELOOP_CHECK(line.size() <= 998, "no line is longer than a server takes");
        ONELOOP_CHECK(line != ".", "no line ends the mail");
        head = head && !line.empty();
        if (head && line.front() != ' ' && line.front() != '\t')
            names.insert(line.substr(0, line.find(':')));
        begin = end + 2;
    }
    static const std::multiset<std::string_view> only = {
        "Date",       "From",         "To",           "Subject",
        "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"};
    for (const std::string_view name : names) {
        ONELOOP_CHECK(only.contains(name), "no header but ours");
        ONELOOP_CHECK(names.count(name) == 1, "and each once");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    Texts texts(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
    const Telling telling = telling_of(texts, data[0]);

    Channel channel;
    channel.id = "c";
    channel.from = {texts.next(), "from@example.test"};
    channel.to = {{texts.next(), "to@example.test"}};
    channel.message_id_domain = "example.test";
    channel.wording = default_wording();
    if (const std::string subject = texts.next(); check_words(subject, subject_names()).empty())
        channel.wording.subject = subject;
    if (const std::string item = texts.next(); check_words(item, item_names()).empty())
        channel.wording.item = item;
    for (const NewMessage& message : compose(telling, channel)) {
        check_mail(message);
        ONELOOP_CHECK(compose(telling, channel).front() == message, "and the same every time");
    }

    channel.kind = Channel::Kind::webhook;
    channel.body = default_body(channel.kind);
    for (const NewMessage& message : compose(telling, channel))
        ONELOOP_CHECK(is_json(message.payload), "a JSON body stays JSON");
    channel.kind = Channel::Kind::exec;
    channel.body = texts.next();
    for (const NewMessage& message : compose(telling, channel))
        ONELOOP_CHECK(!message.key.empty(), "everything has a key");
    return 0;
}
