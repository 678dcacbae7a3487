#include "connectors/nexmark_events.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace millrace {
namespace {

enum Kind : uint8_t { kPerson = 0, kAuction = 1, kBid = 2 };

constexpr int64_t kFirstPerson = 1000, kFirstAuction = 1000, kFirstCategory = 10, kCategories = 5;
constexpr int64_t kIdLead = 10;     ///< persons and auctions that are referred to before they exist
constexpr int64_t kHotGroup = 100;  ///< one hot auction, seller and bidder among so many
constexpr int64_t kActivePeople = 1000;
constexpr int64_t kOpenAuctions = 100;

constexpr std::array<std::string_view, 6> kStates = {"AZ", "CA", "ID", "OR", "WA", "WY"};
constexpr std::array<std::string_view, 10> kCities = {
    "Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland",
    "Bend",    "Redmond",     "Seattle",       "Kent",  "Cheyenne"};
constexpr std::array<std::string_view, 11> kFirstNames = {
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"};
constexpr std::array<std::string_view, 9> kLastNames = {
    "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"};
constexpr std::array<std::string_view, 4> kChannels = {"Google", "Facebook", "Baidu", "Apple"};

constexpr int64_t kLetters = 1 << 16;

/// Letters, one in 13 a space, to cut texts from.
const std::string& Letters() {
  static const std::string letters = [] {
    std::string text(kLetters, ' ');
    for (size_t i = 0; i < text.size(); ++i) {
      const uint64_t random = Mix(0x6e65786d, i);
      if (Below(random, 13) != 0) text[i] = static_cast<char>('a' + Below(Mix(random, 1), 26));
    }
    return text;
  }();
  return letters;
}

/// A text of some `length`, in place.
char* PutText(uint64_t random, int64_t length, char* out) {
  const auto size = static_cast<size_t>(length);
  std::memcpy(out, Letters().data() + Below(random, Letters().size() - size), size);
  return out + size;
}
char* Put(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}
char* PutNumber(int64_t number, char* out) {
  constexpr int kDigits = 20;
  return std::to_chars(out, out + kDigits, number).ptr;
}

/// 3 to `longest` - 1 letters.
char* PutShort(uint64_t random, int64_t longest, char* out) {
  const auto range = static_cast<uint64_t>(longest - 3);
  return PutText(random, 3 + static_cast<int64_t>(Below(Mix(random, 1), range)), out);
}

/// What fills an event of `used` bytes up to `average` on the whole: between `least` and
/// `least` + `range` bytes.
struct Extra {
  Extra(int64_t used, int64_t average) {
    const int64_t rest = std::max<int64_t>(average - used, 0);
    const int64_t spread = rest / 5;
    least = rest - spread;
    range = static_cast<uint64_t>(2 * spread);
  }
  char* Put(uint64_t random, char* out) const {
    const int64_t more = range == 0 ? 0 : static_cast<int64_t>(Below(Mix(random, 2), range));
    return PutText(random, std::min(least + more, kLongest), out);
  }
  int64_t longest() const { return std::min(least + static_cast<int64_t>(range), kLongest); }

  static constexpr int64_t kLongest = kLetters - 1;
  int64_t least;
  uint64_t range;
};
Extra PersonExtra(const NexmarkConfig& config) { return {64, config.person_size}; }
Extra AuctionExtra(const NexmarkConfig& config) { return {110, config.auction_size}; }
Extra BidExtra(const NexmarkConfig& config) { return {32, config.bid_size}; }

/// Channels below this have a name; the others have a number, from here on.
constexpr int64_t kNamed = static_cast<int64_t>(kChannels.size());
constexpr int64_t kNumbered = 10'000;

/// The path of a channel's page, `abcd/efgh/ijkl/`.
std::string_view PageOf(int64_t channel) {
  constexpr size_t kParts = 3, kPart = 4, kSize = kParts * (kPart + 1);
  static const std::string pages = [] {
    std::string text;
    for (uint64_t i = 0; i < static_cast<uint64_t>(kNamed + kNumbered); ++i) {
      const uint64_t page = Mix(51, i);
      for (uint64_t letter = 0; letter < kParts * kPart; ++letter) {
        text += static_cast<char>('a' + Below(Mix(page, letter), 26));
        if (letter % kPart == kPart - 1) text += '/';
      }
    }
    return text;
  }();
  return std::string_view(pages).substr(static_cast<size_t>(channel) * kSize, kSize);
}

/// What the values of an event are made from.
struct Event {
  int64_t number;
  int64_t last_person, last_auction;  ///< the newest ones, counted from 0; an auction: or -1
  Kind kind;
};

/// The events of a run of numbers.
class Events {
 public:
  Events(const NexmarkConfig& config, const RowNumbers& numbers, uint64_t seed)
      : config_(config), seed_(seed), all_(static_cast<size_t>(numbers.count)) {
    const int64_t total = config.total_proportion(), persons = config.person_proportion,
                  auctions = config.auction_proportion;
    for (int64_t i = 0; i < numbers.count; ++i) {
      const int64_t n = numbers.at(i), epoch = n / total, offset = n % total;
      Event& event = all_[static_cast<size_t>(i)];
      event.number = n;
      event.kind = offset < persons ? kPerson : offset < persons + auctions ? kAuction : kBid;
      event.last_person = epoch * persons + std::min(offset, persons - 1);
      event.last_auction = offset < persons
                               ? epoch * auctions - 1
                               : epoch * auctions + std::min(offset - persons, auctions - 1);
    }
  }

  const std::vector<Event>& all() const { return all_; }
  const NexmarkConfig& config() const { return config_; }

  int64_t TimeOf(int64_t n) const {
    const auto passed_us =
        static_cast<int64_t>(static_cast<double>(n) * 1e6 / config_.events_per_second);
    return config_.base_time_us + passed_us / 1000 * 1000;
  }
  uint64_t Draw(const Event& event, uint64_t what) const {
    return Mix(Mix(seed_, what), static_cast<uint64_t>(event.number));
  }
  int64_t Bidder(const Event& event) const {
    const int64_t person = IsHot(event, 11, config_.hot_bidder_ratio)
                               ? event.last_person / kHotGroup * kHotGroup + 1
                               : SomePerson(event, Draw(event, 12));
    return kFirstPerson + person;
  }
  int64_t Seller(const Event& event) const {
    const int64_t person = IsHot(event, 13, config_.hot_seller_ratio)
                               ? event.last_person / kHotGroup * kHotGroup
                               : SomePerson(event, Draw(event, 14));
    return kFirstPerson + person;
  }
  int64_t BidAuction(const Event& event) const {
    const int64_t auction = IsHot(event, 15, config_.hot_auction_ratio)
                                ? std::max<int64_t>(event.last_auction, 0) / kHotGroup * kHotGroup
                                : SomeAuction(event, Draw(event, 16));
    return kFirstAuction + auction;
  }
  int64_t Price(const Event& event, uint64_t what) const {
    constexpr double kLn10 = 2.302585092994046;
    return std::llround(std::exp(Unit(Draw(event, what)) * 6 * kLn10) * 100);
  }
  int64_t Expires(const Event& event) const {
    const int64_t ahead = kOpenAuctions * config_.total_proportion() /
                          std::max<int64_t>(config_.auction_proportion, 1);
    const int64_t time = TimeOf(event.number);
    const int64_t horizon_ms = (TimeOf(event.number + ahead) - time) / 1000;
    const auto length_ms =
        1 + static_cast<int64_t>(Below(
                Draw(event, 17), static_cast<uint64_t>(std::max<int64_t>(2 * horizon_ms, 1))));
    return time + length_ms * 1000;
  }
  /// Half of the bids come over a well-known channel.
  int64_t Channel(const Event& event) const {
    const uint64_t random = Draw(event, 18);
    return static_cast<int64_t>((random & 1) != 0 ? Below(random, kNamed)
                                                  : kNamed + Below(random, kNumbered));
  }

 private:
  int64_t SomePerson(const Event& event, uint64_t random) const {
    const int64_t people = event.last_person + 1;
    const int64_t active = std::min(people, kActivePeople);
    return people - active +
           static_cast<int64_t>(Below(random, static_cast<uint64_t>(active + kIdLead)));
  }
  int64_t SomeAuction(const Event& event, uint64_t random) const {
    const int64_t last = std::max<int64_t>(event.last_auction, 0);
    const int64_t first = std::max<int64_t>(last - kOpenAuctions, 0);
    return first +
           static_cast<int64_t>(Below(random, static_cast<uint64_t>(last - first + 1 + kIdLead)));
  }
  /// Whether the event is one of the (ratio - 1) in `ratio` that go to the hot one.
  bool IsHot(const Event& event, uint64_t what, int64_t ratio) const {
    return Below(Draw(event, what), static_cast<uint64_t>(ratio)) > 0;
  }

  const NexmarkConfig& config_;
  uint64_t seed_;
  std::vector<Event> all_;
};

/// A field of the events of a kind; the values of other events are 0 or empty.
struct Field {
  std::string_view name;
  SqlType type;
  void (*append)(const Events& events, Kind kind, ColumnBuffer* out);
};

/// A BIGINT or TIMESTAMP: `value(events, event)`.
template <auto value>
void AppendNumbers(const Events& events, Kind kind, ColumnBuffer* out) {
  auto* at = out->Extend<int64_t>(static_cast<int64_t>(events.all().size()));
  for (const Event& event : events.all()) {
    *at++ = event.kind == kind ? value(events, event) : 0;
  }
}

/// A text: `put(events, event, out)` writes at most `longest(config)` bytes and returns their end.
template <auto longest, auto put>
void AppendTexts(const Events& events, Kind kind, ColumnBuffer* out) {
  const auto count = static_cast<int64_t>(events.all().size());
  const auto text = out->ExtendText(count, count * longest(events.config()));
  char* end = text.bytes;
  int32_t* ends = text.ends;
  for (const Event& event : events.all()) {
    if (event.kind == kind) end = put(events, event, end);
    *ends++ = text.base + static_cast<int32_t>(end - text.bytes);
  }
  out->TrimText();
}

template <int64_t bytes>
constexpr auto kAtMost = [](const NexmarkConfig&) { return bytes; };

constexpr auto kTime = [](const Events& e, const Event& at) { return e.TimeOf(at.number); };

constexpr std::string_view kUrlStart = "https://www.nexmark.com/", kUrlItem = "item.htm?query=1",
                           kUrlChannel = "&channel_id=";

const std::array<std::vector<Field>, 3>& AllFields() {
  static const SqlType big = SqlType::BigInt(), string = SqlType::String(),
                       time = SqlType::Timestamp(3);
  static const std::array<std::vector<Field>, 3> fields = {{
      {{"id", big, AppendNumbers<[](const Events&, const Event& at) {
          return kFirstPerson + at.last_person;
        }>},
       {"name", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      out = Put(kFirstNames[Below(e.Draw(at, 20), kFirstNames.size())], out);
                      *out++ = ' ';
                      return Put(kLastNames[Below(e.Draw(at, 21), kLastNames.size())], out);
                    }>},
       {"emailAddress", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      out = PutShort(e.Draw(at, 22), 7, out);
                      *out++ = '@';
                      out = PutShort(e.Draw(at, 23), 5, out);
                      return Put(".com", out);
                    }>},
       {"creditCard", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      for (uint64_t i = 0; i < 4; ++i) {
                        if (i != 0) *out++ = ' ';
                        uint64_t digits = Below(e.Draw(at, 24 + i), 10'000);
                        for (int digit = 3; digit >= 0; --digit, digits /= 10) {
                          out[digit] = static_cast<char>('0' + digits % 10);
                        }
                        out += 4;
                      }
                      return out;
                    }>},
       {"city", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      return Put(kCities[Below(e.Draw(at, 28), kCities.size())], out);
                    }>},
       {"state", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      return Put(kStates[Below(e.Draw(at, 29), kStates.size())], out);
                    }>},
       {"dateTime", time, AppendNumbers<kTime>},
       {"extra", string,
        AppendTexts<[](const NexmarkConfig& config) { return PersonExtra(config).longest(); },
                    [](const Events& e, const Event& at, char* out) {
                      return PersonExtra(e.config()).Put(e.Draw(at, 30), out);
                    }>}},
      {{"id", big, AppendNumbers<[](const Events&, const Event& at) {
          return kFirstAuction + at.last_auction;
        }>},
       {"itemName", string,
        AppendTexts<kAtMost<20>, [](const Events& e, const Event& at,
                                    char* out) { return PutShort(e.Draw(at, 40), 20, out); }>},
       {"description", string,
        AppendTexts<kAtMost<100>, [](const Events& e, const Event& at,
                                     char* out) { return PutShort(e.Draw(at, 41), 100, out); }>},
       {"initialBid", big,
        AppendNumbers<[](const Events& e, const Event& at) { return e.Price(at, 42); }>},
       {"reserve", big, AppendNumbers<[](const Events& e, const Event& at) {
          return e.Price(at, 42) + e.Price(at, 43);
        }>},
       {"dateTime", time, AppendNumbers<kTime>},
       {"expires", time,
        AppendNumbers<[](const Events& e, const Event& at) { return e.Expires(at); }>},
       {"seller", big,
        AppendNumbers<[](const Events& e, const Event& at) { return e.Seller(at); }>},
       {"category", big, AppendNumbers<[](const Events& e, const Event& at) {
          return kFirstCategory + static_cast<int64_t>(Below(e.Draw(at, 44), kCategories));
        }>},
       {"extra", string,
        AppendTexts<[](const NexmarkConfig& config) { return AuctionExtra(config).longest(); },
                    [](const Events& e, const Event& at, char* out) {
                      return AuctionExtra(e.config()).Put(e.Draw(at, 45), out);
                    }>}},
      {{"auction", big,
        AppendNumbers<[](const Events& e, const Event& at) { return e.BidAuction(at); }>},
       {"bidder", big,
        AppendNumbers<[](const Events& e, const Event& at) { return e.Bidder(at); }>},
       {"price", big,
        AppendNumbers<[](const Events& e, const Event& at) { return e.Price(at, 50); }>},
       {"channel", string,
        AppendTexts<kAtMost<32>,
                    [](const Events& e, const Event& at, char* out) {
                      const int64_t channel = e.Channel(at);
                      if (channel < kNamed)
                        return Put(kChannels[static_cast<size_t>(channel)], out);
                      return PutNumber(channel - kNamed, Put("channel-", out));
                    }>},
       {"url", string,
        AppendTexts<kAtMost<96>,
                    [](const Events& e, const Event& at, char* out) {
                      const int64_t channel = e.Channel(at);
                      out = Put(kUrlItem, Put(PageOf(channel), Put(kUrlStart, out)));
                      if (channel < kNamed) return out;
                      return PutNumber(channel - kNamed, Put(kUrlChannel, out));
                    }>},
       {"dateTime", time, AppendNumbers<kTime>},
       {"extra", string,
        AppendTexts<[](const NexmarkConfig& config) { return BidExtra(config).longest(); },
                    [](const Events& e, const Event& at, char* out) {
                      return BidExtra(e.config()).Put(e.Draw(at, 52), out);
                    }>}},
  }};
  return fields;
}

constexpr std::array<std::string_view, 3> kEventNames = {"person", "auction", "bid"};

}  // namespace

Schema NexmarkSchema() {
  Schema schema;
  schema.Add("event_type", SqlType::Int());
  for (size_t kind = 0; kind < 3; ++kind) {
    std::vector<SqlField> fields;
    for (const auto& field : AllFields()[kind])
      fields.push_back({std::string(field.name), field.type, {}});
    schema.Add(std::string(kEventNames[kind]), SqlType::Row(std::move(fields)));
  }
  schema.Add("dateTime", SqlType::Timestamp(3));
  return schema;
}

void AppendNexmarkColumn(const NexmarkConfig& config, std::string_view name,
                         const RowNumbers& numbers, uint64_t seed, ColumnBuffer* out) {
  const Events events(config, numbers, seed);
  if (name == "event_type") {
    auto* at = out->Extend<int32_t>(numbers.count);
    for (const Event& event : events.all()) *at++ = event.kind;
    return;
  }
  if (name == "dateTime") {
    auto* at = out->Extend<int64_t>(numbers.count);
    for (const Event& event : events.all()) *at++ = events.TimeOf(event.number);
    return;
  }
  const auto kind = static_cast<Kind>(std::find(kEventNames.begin(), kEventNames.end(), name) -
                                      kEventNames.begin());
  const auto& wanted = out->type().fields();
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& field : AllFields()[kind]) {
      if (field.name == wanted[i].name) {
        field.append(events, kind, &out->child(static_cast<int>(i)));
      }
    }
  }
  for (const Event& event : events.all()) {
    out->AppendRow();
    if (event.kind != kind) out->SetNull(out->size() - 1);
  }
}

}  // namespace millrace
