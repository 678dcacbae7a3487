#include "connectors/nexmark_events.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>

namespace millrace {
namespace {

enum Event { kPerson = 0, kAuction = 1, kBid = 2 };

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

/// Letters, one in 13 a space, to cut texts from.
const std::string& Letters() {
  static const std::string letters = [] {
    std::string text(1 << 16, ' ');
    for (size_t i = 0; i < text.size(); ++i) {
      const uint64_t random = Mix(0x6e65786d, i);
      if (Below(random, 13) != 0) text[i] = static_cast<char>('a' + Below(Mix(random, 1), 26));
    }
    return text;
  }();
  return letters;
}

std::string_view TextOf(uint64_t random, int64_t length) {
  const auto size = static_cast<size_t>(length);
  return std::string_view(Letters()).substr(Below(random, Letters().size() - size), size);
}

/// 3 to `longest` - 1 letters.
std::string_view ShortText(uint64_t random, int64_t longest) {
  return TextOf(
      random, 3 + static_cast<int64_t>(Below(Mix(random, 1), static_cast<uint64_t>(longest - 3))));
}

/// What fills an event of `used` bytes up to `average` on the whole.
std::string_view Extra(uint64_t random, int64_t used, int64_t average) {
  if (used >= average) return {};
  const int64_t rest = average - used;
  const int64_t spread = rest / 5;
  const int64_t size =
      rest - spread +
      (spread == 0
           ? 0
           : static_cast<int64_t>(Below(Mix(random, 2), static_cast<uint64_t>(2 * spread))));
  return TextOf(random, std::min<int64_t>(size, static_cast<int64_t>(Letters().size()) - 1));
}

/// The events of a run of numbers.
class Events {
 public:
  Events(const NexmarkConfig& config, uint64_t seed) : config_(config), seed_(seed) {}

  Event KindOf(int64_t n) const {
    const int64_t offset = n % config_.total_proportion();
    if (offset < config_.person_proportion) return kPerson;
    return offset < config_.person_proportion + config_.auction_proportion ? kAuction : kBid;
  }
  int64_t TimeOf(int64_t n) const {
    const auto passed_us =
        static_cast<int64_t>(static_cast<double>(n) * 1e6 / config_.events_per_second);
    return config_.base_time_us + passed_us / 1000 * 1000;
  }
  uint64_t Draw(int64_t n, uint64_t what) const {
    return Mix(Mix(seed_, what), static_cast<uint64_t>(n));
  }

  int64_t LastPerson(int64_t n) const {
    const int64_t epoch = n / config_.total_proportion();
    const int64_t offset = n % config_.total_proportion();
    return epoch * config_.person_proportion + std::min(offset, config_.person_proportion - 1);
  }
  int64_t LastAuction(int64_t n) const {
    int64_t epoch = n / config_.total_proportion();
    int64_t offset = n % config_.total_proportion() - config_.person_proportion;
    if (offset < 0) {
      --epoch;
      offset = config_.auction_proportion - 1;
    }
    return epoch * config_.auction_proportion + std::min(offset, config_.auction_proportion - 1);
  }
  int64_t SomePerson(int64_t n, uint64_t random) const {
    const int64_t people = LastPerson(n) + 1;
    const int64_t active = std::min(people, kActivePeople);
    return people - active +
           static_cast<int64_t>(Below(random, static_cast<uint64_t>(active + kIdLead)));
  }
  int64_t SomeAuction(int64_t n, uint64_t random) const {
    const int64_t last = std::max<int64_t>(LastAuction(n), 0);
    const int64_t first = std::max<int64_t>(last - kOpenAuctions, 0);
    return first +
           static_cast<int64_t>(Below(random, static_cast<uint64_t>(last - first + 1 + kIdLead)));
  }
  /// Whether the event is one of the (ratio - 1) in `ratio` that go to the hot one.
  bool IsHot(int64_t n, uint64_t what, int64_t ratio) const {
    return Below(Draw(n, what), static_cast<uint64_t>(ratio)) > 0;
  }
  int64_t Bidder(int64_t n) const {
    const int64_t person = IsHot(n, 11, config_.hot_bidder_ratio)
                               ? LastPerson(n) / kHotGroup * kHotGroup + 1
                               : SomePerson(n, Draw(n, 12));
    return kFirstPerson + person;
  }
  int64_t Seller(int64_t n) const {
    const int64_t person = IsHot(n, 13, config_.hot_seller_ratio)
                               ? LastPerson(n) / kHotGroup * kHotGroup
                               : SomePerson(n, Draw(n, 14));
    return kFirstPerson + person;
  }
  int64_t BidAuction(int64_t n) const {
    const int64_t auction = IsHot(n, 15, config_.hot_auction_ratio)
                                ? std::max<int64_t>(LastAuction(n), 0) / kHotGroup * kHotGroup
                                : SomeAuction(n, Draw(n, 16));
    return kFirstAuction + auction;
  }
  int64_t Price(int64_t n, uint64_t what) const {
    constexpr double kLn10 = 2.302585092994046;
    return std::llround(std::exp(Unit(Draw(n, what)) * 6 * kLn10) * 100);
  }
  int64_t Expires(int64_t n) const {
    const int64_t ahead = kOpenAuctions * config_.total_proportion() /
                          std::max<int64_t>(config_.auction_proportion, 1);
    const int64_t horizon_ms = (TimeOf(n + ahead) - TimeOf(n)) / 1000;
    const auto length_ms =
        1 + static_cast<int64_t>(
                Below(Draw(n, 17), static_cast<uint64_t>(std::max<int64_t>(2 * horizon_ms, 1))));
    return TimeOf(n) + length_ms * 1000;
  }
  /// Half of the bids come over a well-known channel.
  int64_t Channel(int64_t n) const {
    const uint64_t random = Draw(n, 18);
    return static_cast<int64_t>((random & 1) != 0 ? Below(random, 4) : 4 + Below(random, 10'000));
  }
  const NexmarkConfig& config() const { return config_; }

 private:
  const NexmarkConfig& config_;
  uint64_t seed_;
};

using Number = int64_t (*)(const Events&, int64_t);
using Text = void (*)(const Events&, int64_t, std::string*);

/// A field of an event: either a number (BIGINT, TIMESTAMP) or a text.
struct Field {
  std::string_view name;
  SqlType type;
  Number number;
  Text text;
};

int64_t Time(const Events& events, int64_t n) { return events.TimeOf(n); }

const std::array<std::vector<Field>, 3>& AllFields() {
  static const SqlType big = SqlType::BigInt(), string = SqlType::String(),
                       time = SqlType::Timestamp(3);
  static const std::array<std::vector<Field>, 3> fields = {{
      {{"id", big, [](const Events& e, int64_t n) { return kFirstPerson + e.LastPerson(n); },
        nullptr},
       {"name", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += kFirstNames[Below(e.Draw(n, 20), kFirstNames.size())];
          *out += ' ';
          *out += kLastNames[Below(e.Draw(n, 21), kLastNames.size())];
        }},
       {"emailAddress", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += ShortText(e.Draw(n, 22), 7);
          *out += '@';
          *out += ShortText(e.Draw(n, 23), 5);
          *out += ".com";
        }},
       {"creditCard", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          for (uint64_t i = 0; i < 4; ++i) {
            if (i > 0) *out += ' ';
            *out += std::to_string(10'000 + Below(e.Draw(n, 24 + i), 10'000)).substr(1);
          }
        }},
       {"city", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += kCities[Below(e.Draw(n, 28), kCities.size())];
        }},
       {"state", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += kStates[Below(e.Draw(n, 29), kStates.size())];
        }},
       {"dateTime", time, Time, nullptr},
       {"extra", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += Extra(e.Draw(n, 30), 64, e.config().person_size);
        }}},
      {{"id", big, [](const Events& e, int64_t n) { return kFirstAuction + e.LastAuction(n); },
        nullptr},
       {"itemName", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) { *out += ShortText(e.Draw(n, 40), 20); }},
       {"description", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += ShortText(e.Draw(n, 41), 100);
        }},
       {"initialBid", big, [](const Events& e, int64_t n) { return e.Price(n, 42); }, nullptr},
       {"reserve", big, [](const Events& e, int64_t n) { return e.Price(n, 42) + e.Price(n, 43); },
        nullptr},
       {"dateTime", time, Time, nullptr},
       {"expires", time, [](const Events& e, int64_t n) { return e.Expires(n); }, nullptr},
       {"seller", big, [](const Events& e, int64_t n) { return e.Seller(n); }, nullptr},
       {"category", big,
        [](const Events& e, int64_t n) {
          return kFirstCategory + static_cast<int64_t>(Below(e.Draw(n, 44), kCategories));
        },
        nullptr},
       {"extra", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += Extra(e.Draw(n, 45), 110, e.config().auction_size);
        }}},
      {{"auction", big, [](const Events& e, int64_t n) { return e.BidAuction(n); }, nullptr},
       {"bidder", big, [](const Events& e, int64_t n) { return e.Bidder(n); }, nullptr},
       {"price", big, [](const Events& e, int64_t n) { return e.Price(n, 50); }, nullptr},
       {"channel", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          const int64_t channel = e.Channel(n);
          if (channel < 4) {
            *out += kChannels[static_cast<size_t>(channel)];
          } else {
            *out += "channel-" + std::to_string(channel - 4);
          }
        }},
       {"url", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          const int64_t channel = e.Channel(n);
          const uint64_t page = Mix(51, static_cast<uint64_t>(channel));
          *out += "https://www.nexmark.com/";
          for (uint64_t part = 0; part < 3; ++part) {
            for (uint64_t i = 0; i < 4; ++i) {
              *out += static_cast<char>('a' + Below(Mix(page, part * 4 + i), 26));
            }
            *out += '/';
          }
          *out += "item.htm?query=1";
          if (channel >= 4) *out += "&channel_id=" + std::to_string(channel - 4);
        }},
       {"dateTime", time, Time, nullptr},
       {"extra", string, nullptr,
        [](const Events& e, int64_t n, std::string* out) {
          *out += Extra(e.Draw(n, 52), 32, e.config().bid_size);
        }}},
  }};
  return fields;
}

constexpr std::array<std::string_view, 3> kEventNames = {"person", "auction", "bid"};

void AppendField(const Events& events, const RowNumbers& numbers, Event kind, const Field& field,
                 ColumnBuffer* out) {
  if (field.number != nullptr) {
    auto* const values = out->Extend<int64_t>(numbers.count);
    for (int64_t i = 0; i < numbers.count; ++i) {
      const int64_t n = numbers.at(i);
      values[i] = events.KindOf(n) == kind ? field.number(events, n) : 0;
    }
    return;
  }
  std::string text;
  for (int64_t i = 0; i < numbers.count; ++i) {
    const int64_t n = numbers.at(i);
    text.clear();
    if (events.KindOf(n) == kind) field.text(events, n, &text);
    out->AppendBytes(text);
  }
}

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
  const Events events(config, seed);
  if (name == "event_type") {
    auto* const values = out->Extend<int32_t>(numbers.count);
    for (int64_t i = 0; i < numbers.count; ++i) values[i] = events.KindOf(numbers.at(i));
    return;
  }
  if (name == "dateTime") {
    auto* const values = out->Extend<int64_t>(numbers.count);
    for (int64_t i = 0; i < numbers.count; ++i) values[i] = events.TimeOf(numbers.at(i));
    return;
  }
  const auto kind = static_cast<Event>(std::find(kEventNames.begin(), kEventNames.end(), name) -
                                       kEventNames.begin());
  const auto& wanted = out->type().fields();
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& field : AllFields()[kind]) {
      if (field.name == wanted[i].name) {
        AppendField(events, numbers, kind, field, &out->child(static_cast<int>(i)));
      }
    }
  }
  const int64_t first = out->size();
  for (int64_t i = 0; i < numbers.count; ++i) out->AppendRow();
  for (int64_t i = 0; i < numbers.count; ++i) {
    if (events.KindOf(numbers.at(i)) != kind) out->SetNull(first + i);
  }
}

}  // namespace millrace
