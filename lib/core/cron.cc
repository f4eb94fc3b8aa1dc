#include "core/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "base/name.h"
#include "core/diagnostic.h"

namespace cromt {
namespace {

constexpr std::string_view kBlank = " \t";

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  unsigned first;
  unsigned last;                            // that may be written; `*` ends at last_of_star
  unsigned last_of_star;                    // less where two numbers are one value
  std::span<const std::string_view> names;  // of the values from `first` on
};

constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59, 59, {}},
                                           {"hour", 0, 23, 23, {}},
                                           {"day of month", 1, 31, 31, {}},
                                           {"month", 1, 12, 12, kMonths},
                                           {"day of week", 0, 7, 6, kWeekdays}}};
constexpr std::string_view kFieldNames = "minute, hour, day of month, month and day of week";

struct Word {
  std::string_view word;
  std::string_view fields;
};

constexpr std::array<Word, 8> kWords = {{{"@hourly", "0 * * * *"},
                                         {"@daily", "0 0 * * *"},
                                         {"@midnight", "0 0 * * *"},
                                         {"@weekly", "0 0 * * 0"},
                                         {"@monthly", "0 0 1 * *"},
                                         {"@yearly", "0 0 1 1 *"},
                                         {"@annually", "0 0 1 1 *"},
                                         {"@reboot", ""}}};

// February counts as in a leap year: the day comes.
constexpr std::array<unsigned, 13> kDaysOfMonth = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

bool IsSame(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Of so many digits that it fits.
bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 9 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// REQUIRES: IsNumber(text).
unsigned NumberOf(std::string_view text) {
  unsigned number = 0;
  for (char c : text) number = number * 10 + static_cast<unsigned>(c - '0');
  return number;
}

std::string NoValue(const Field& field, std::string_view text) {
  std::string said = fmt::format("{} is no {}: ", Quote(text), field.name);
  said += fmt::format("a number from {} to {}", field.first, field.last);
  if (!field.names.empty()) said += fmt::format(", or {} to {}", field.names.front(), field.names.back());
  for (std::string_view name : field.names)
    if (IsSame(text.substr(0, 3), name)) said += fmt::format("; write '{}'", name);
  if (text == "?") said += "; write '*'";
  return said;
}

// Reads one text. The functions return false once something is wrong, which error() then says.
class CronReader {
 public:
  explicit CronReader(std::string_view text) : text_(text) {}

  bool Read(CronSchedule& schedule) {
    const size_t begin = std::min(text_.find_first_not_of(kBlank), text_.size());
    const size_t end = text_.find_last_not_of(kBlank) + 1;
    if (text_.substr(begin).starts_with('@')) return ReadWord(text_.substr(begin, end - begin), schedule);
    std::array<std::string_view, kFields.size()> fields;
    return Split(fields) && ReadFields(fields, schedule);
  }

  CronError error() && { return std::move(error_); }

 private:
  // `part` is a part of the text.
  bool Wrong(std::string_view part, std::string message) {
    error_ = {static_cast<size_t>(part.data() - text_.data()), std::move(message)};
    return false;
  }

  bool ReadWord(std::string_view word, CronSchedule& schedule) {
    const auto* known = std::ranges::find(kWords, word, &Word::word);
    if (known == kWords.end()) return NoWord(word);
    schedule.at_boot = known->fields.empty();
    return schedule.at_boot || CronReader(known->fields).Read(schedule);
  }

  bool NoWord(std::string_view word) {
    std::array<std::string_view, kWords.size()> words;
    std::ranges::transform(kWords, words.begin(), &Word::word);
    const std::string hint = DidYouMean(word, words);
    return Wrong(word, fmt::format("{} is none of {}{}", Quote(word), fmt::join(words, ", "), hint));
  }

  bool Split(std::span<std::string_view> fields) {
    size_t count = 0;
    for (size_t i = text_.find_first_not_of(kBlank); i != text_.npos; i = text_.find_first_not_of(kBlank, i)) {
      const size_t end = std::min(text_.find_first_of(kBlank, i), text_.size());
      if (count == fields.size())
        return Wrong(text_.substr(i, end - i),
                     fmt::format("a sixth field; there are five: {}. None is for seconds or years", kFieldNames));
      fields[count++] = text_.substr(i, end - i);
      i = end;
    }
    if (count == fields.size()) return true;
    if (count == 1 && !IsNumber(fields[0].substr(0, 1))) return NoWord(fields[0]);
    return Wrong(text_.substr(0, 0), fmt::format("{} fields where five are meant: {}", count, kFieldNames));
  }

  bool ReadFields(std::span<const std::string_view> texts, CronSchedule& schedule) {
    std::array<uint64_t, kFields.size()> sets{};
    for (size_t i = 0; i < texts.size(); ++i)
      if (!ReadField(kFields[i], texts[i], sets[i])) return false;
    schedule.minutes = sets[0];
    schedule.hours = static_cast<uint32_t>(sets[1]);
    schedule.days = static_cast<uint32_t>(sets[2]);
    schedule.months = static_cast<uint32_t>(sets[3]);
    schedule.weekdays = static_cast<uint32_t>(sets[4]);
    const bool each_day = std::popcount(schedule.days) == 31, each_weekday = std::popcount(schedule.weekdays) == 7;
    schedule.either_day = !each_day && !each_weekday;
    schedule.elapsed = texts[1].starts_with('*') && texts[1].find(',') == text_.npos;
    return !each_weekday || CheckThatItComes(schedule, texts[2], texts[3]);
  }

  // REQUIRES: the weekday leaves nothing out.
  bool CheckThatItComes(const CronSchedule& schedule, std::string_view days, std::string_view months) {
    const auto first = static_cast<unsigned>(std::countr_zero(schedule.days));
    for (unsigned month = 1; month < kDaysOfMonth.size(); ++month)
      if ((schedule.months >> month & 1) != 0 && first <= kDaysOfMonth[month]) return true;
    return Wrong(days, fmt::format("no month of {} has a day {}: this never comes", Quote(months), first));
  }

  bool ReadField(const Field& field, std::string_view text, uint64_t& set) {
    uint64_t has = 0, lacks = 0;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(',', begin), text.size());
      std::string_view part = text.substr(begin, end - begin);
      const bool excludes = part.starts_with('!');
      if (excludes) part.remove_prefix(1);
      if (part.empty()) return Wrong(part, fmt::format("{} {} has an empty part", field.name, Quote(text)));
      if (!ReadPart(field, part, excludes ? lacks : has)) return false;
      begin = end + 1;
    }
    if (has == 0)
      return Wrong(text, fmt::format("{} {} takes away from nothing; write {}", field.name, Quote(text),
                                     Quote("*," + std::string(text))));
    set = has & ~lacks;
    if (set == 0) return Wrong(text, fmt::format("{} {} leaves nothing", field.name, Quote(text)));
    return true;
  }

  bool ReadPart(const Field& field, std::string_view part, uint64_t& set) {
    const size_t slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    const size_t dash = range.find('-');
    unsigned from = field.first, to = field.last_of_star, step = 1;
    if (range != "*") {
      if (!ReadValue(field, range.substr(0, dash), from)) return false;
      to = from;
      if (dash != range.npos && !ReadEnd(field, range, dash, from, to)) return false;
    }
    if (slash != part.npos) {
      const std::string_view step_text = part.substr(slash + 1);
      if (!IsNumber(step_text))
        return Wrong(step_text, fmt::format("{} is no step: a number from 1 on", Quote(step_text)));
      if (range != "*" && dash == range.npos)
        return Wrong(part, fmt::format("{} {} begins somewhere and ends nowhere; write '{}-{}/{}'", field.name,
                                       Quote(part), range, field.last_of_star, step_text));
      step = NumberOf(step_text);
      if (!CheckStep(step_text, from, to, step)) return false;
    }
    for (unsigned value = from; value <= to; value += step)
      set |= uint64_t{1} << (value > field.last_of_star ? 0 : value);
    return true;
  }

  // What stands behind the dash. Sunday ends a week as it begins one.
  bool ReadEnd(const Field& field, std::string_view range, size_t dash, unsigned from, unsigned& to) {
    if (!ReadValue(field, range.substr(dash + 1), to)) return false;
    if (field.last > field.last_of_star && to == 0 && from > 0) to = field.last;
    if (from <= to) return true;
    return Wrong(range, fmt::format("{} {} goes backwards; write '{}-{},{}-{}'", field.name, Quote(range),
                                    range.substr(0, dash), field.last_of_star, field.first, range.substr(dash + 1)));
  }

  bool ReadValue(const Field& field, std::string_view text, unsigned& value) {
    if (IsNumber(text)) {
      value = NumberOf(text);
      if (value >= field.first && value <= field.last) return true;
    }
    for (unsigned i = 0; i < field.names.size(); ++i) {
      if (!IsSame(field.names[i], text)) continue;
      value = field.first + i;
      return true;
    }
    return Wrong(text, NoValue(field, text));
  }

  // One that reaches no second value is a mistake: `*/60` is not each hour.
  bool CheckStep(std::string_view text, unsigned from, unsigned to, unsigned step) {
    if (step == 0) return Wrong(text, "a step of 0 stands still; a step is a number from 1 on");
    if (step == 1 || step <= to - from) return true;
    return Wrong(text, fmt::format("a step of {} from {} to {} leaves {} alone; write that, or a step up to {}", step,
                                   from, to, from, std::max(to - from, 1U)));
  }

  std::string_view text_;
  CronError error_;
};

}  // namespace

tl::expected<CronSchedule, CronError> ParseCron(std::string_view text) {
  CronSchedule schedule;
  CronReader reader(text);
  if (!reader.Read(schedule)) return tl::unexpected(std::move(reader).error());
  return schedule;
}

}  // namespace cromt
