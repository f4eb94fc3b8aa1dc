#include "core/cron.h"

#include <gtest/gtest.h>

#include <string>

namespace cromt {
namespace {

// The values of a set, such as "1,3,5-9".
std::string Values(uint64_t set) {
  std::string out;
  for (int first = 0; first < 64; ++first) {
    if ((set >> first & 1) == 0) continue;
    int last = first;
    while (last < 63 && (set >> (last + 1) & 1) != 0) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    first = last;
  }
  return out;
}

std::string Show(const CronSchedule& s) {
  if (s.at_boot) return "at boot";
  std::string out = Values(s.minutes) + " " + Values(s.hours) + " " + Values(s.days) + " " + Values(s.months) + " " +
                    Values(s.weekdays);
  return out + (s.either_day ? " either" : "") + (s.elapsed ? " elapsed" : "");
}

std::string Read(std::string_view text) {
  auto schedule = ParseCron(text);
  return schedule ? Show(*schedule) : "at " + std::to_string(schedule.error().at) + ": " + schedule.error().message;
}

struct Case {
  std::string_view text;
  std::string_view said;
};

TEST(Cron, GoodTexts) {
  for (const auto& [text, said] : std::initializer_list<Case>{
           {"* * * * *", "0-59 0-23 1-31 1-12 0-6 elapsed"},
           {"*/10 * * * *", "0,10,20,30,40,50 0-23 1-31 1-12 0-6 elapsed"},
           {"7 */6 * * *", "7 0,6,12,18 1-31 1-12 0-6 elapsed"},
           {"30 4 * * *", "30 4 1-31 1-12 0-6"},
           {"05 00 01 01 *", "5 0 1 1 0-6"},
           {"0 0-23 * * *", "0 0-23 1-31 1-12 0-6"},
           {"0 *,1 * * *", "0 0-23 1-31 1-12 0-6"},
           {"1,3-5,20-40/10,50-59/3 8-17 * * *", "1,3-5,20,30,40,50,53,56,59 8-17 1-31 1-12 0-6"},
           {"0 0 1-31/2 * *", "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 1-12 0-6"},
           {"0 0 */10 * *", "0 0 1,11,21,31 1-12 0-6"},
           {"0 0 * jan,MAR,Dec *", "0 0 1-31 1,3,12 0-6"},
           {"0 0 * apr-jun *", "0 0 1-31 4-6 0-6"},
           {"0 0 29 2 *", "0 0 29 2 0-6"},
           {"0 0 31 * *", "0 0 31 1-12 0-6"},
           {"0 0 30 feb-mar *", "0 0 30 2-3 0-6"},
           {"  0\t0 \t* *  * ", "0 0 1-31 1-12 0-6"},
       })
    EXPECT_EQ(Read(text), said) << text;
}

TEST(Cron, Weekdays) {
  for (const auto& [text, said] : std::initializer_list<Case>{
           {"0", "0"},           {"7", "0"},           {"sun", "0"},      {"SUN", "0"},         {"mon-fri", "1-5"},
           {"1-5", "1-5"},       {"fri-sun", "0,5-6"}, {"5-7", "0,5-6"},  {"sat-0", "0,6"},     {"sun-tue", "0-2"},
           {"sun-sun", "0"},     {"0-7", "0-6"},       {"7-7", "0"},      {"0-6/2", "0,2,4,6"}, {"mon-sun/3", "0-1,4"},
           {"*/2", "0,2,4,6"},   {"*,!7", "1-6"},      {"*,!sun", "1-6"}, {"mon,thu", "1,4"},   {"*/6", "0,6"},
           {"*,!sat-sun", "1-5"}})
    EXPECT_EQ(Read("0 0 * * " + std::string(text)), "0 0 1-31 1-12 " + std::string(said)) << text;
}

// What counts is whether a field leaves something out, not how it is written.
TEST(Cron, ADayIsDueByEitherFieldWhenBothLeaveSomethingOut) {
  for (const auto& [text, said] : std::initializer_list<Case>{
           {"0 8 13 * 5", "0 8 13 1-12 5 either"},
           {"0 8 * * 5", "0 8 1-31 1-12 5"},
           {"0 8 13 * *", "0 8 13 1-12 0-6"},
           {"0 8 1-31 * 5", "0 8 1-31 1-12 5"},
           {"0 8 13 * 0-7", "0 8 13 1-12 0-6"},
           {"0 8 */30 * mon", "0 8 1,31 1-12 1 either"},
           {"0 8 *,!1 * 0", "0 8 2-31 1-12 0 either"},
           {"0 8 30 feb mon", "0 8 30 2 1 either"},
       })
    EXPECT_EQ(Read(text), said) << text;
}

TEST(Cron, Exclusions) {
  EXPECT_EQ(Read("*,!0-29 * * * *"), "30-59 0-23 1-31 1-12 0-6 elapsed");
  EXPECT_EQ(Read("0 *,!3 * * *"), "0 0-2,4-23 1-31 1-12 0-6");
  EXPECT_EQ(Read("!5,0-10/5 0 * * *"), "0,10 0 1-31 1-12 0-6");
  EXPECT_EQ(Read("*,!*/2 0 * * *"), Read("1-59/2 0 * * *"));
}

TEST(Cron, Words) {
  for (const auto& [text, fields] : std::initializer_list<Case>{{"@hourly", "0 * * * *"},
                                                                {"@daily", "0 0 * * *"},
                                                                {"@midnight", "0 0 * * *"},
                                                                {"@weekly", "0 0 * * sun"},
                                                                {"@monthly", "0 0 1 * *"},
                                                                {"@yearly", "0 0 1 1 *"},
                                                                {"@annually", "0 0 1 1 *"},
                                                                {" @daily\t", "0 0 * * *"}})
    EXPECT_EQ(Read(text), Read(fields)) << text;
  EXPECT_EQ(Read("@reboot"), "at boot");
}

TEST(Cron, BadTexts) {
  constexpr std::string_view kFields = "minute, hour, day of month, month and day of week";
  constexpr std::string_view kWords =
      "none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, @reboot";
  for (const auto& [text, said] : std::initializer_list<std::pair<std::string_view, std::string>>{
           {"", "at 0: 0 fields where five are meant: " + std::string(kFields)},
           {" \t", "at 0: 0 fields where five are meant: " + std::string(kFields)},
           {"5", "at 0: 1 fields where five are meant: " + std::string(kFields)},
           {"* * * *", "at 0: 4 fields where five are meant: " + std::string(kFields)},
           {"0 * * * * *",
            "at 10: a sixth field; there are five: " + std::string(kFields) + ". None is for seconds or years"},
           {"hourly", "at 0: 'hourly' is " + std::string(kWords) + "; did you mean '@hourly'?"},
           {" @weakly", "at 1: '@weakly' is " + std::string(kWords) + "; did you mean '@weekly'?"},
           {"@Daily", "at 0: '@Daily' is " + std::string(kWords) + "; did you mean '@daily'?"},
           {"@every 5m", "at 0: '@every 5m' is " + std::string(kWords)},
           {"@", "at 0: '@' is " + std::string(kWords)},
           {"60 * * * *", "at 0: '60' is no minute: a number from 0 to 59"},
           {"* 24 * * *", "at 2: '24' is no hour: a number from 0 to 23"},
           {"* * 0 * *", "at 4: '0' is no day of month: a number from 1 to 31"},
           {"* * 32 * *", "at 4: '32' is no day of month: a number from 1 to 31"},
           {"* * * 13 *", "at 6: '13' is no month: a number from 1 to 12, or jan to dec"},
           {"* * * * 8", "at 8: '8' is no day of week: a number from 0 to 7, or sun to sat"},
           {"* * * * monday", "at 8: 'monday' is no day of week: a number from 0 to 7, or sun to sat; write 'mon'"},
           {"* * * mon *", "at 6: 'mon' is no month: a number from 1 to 12, or jan to dec"},
           {"mon * * * *", "at 0: 'mon' is no minute: a number from 0 to 59"},
           {"* * ? * 1", "at 4: '?' is no day of month: a number from 1 to 31; write '*'"},
           {"* * L * *", "at 4: 'L' is no day of month: a number from 1 to 31"},
           {"0 8 $(id) * *", "at 4: '$(id)' is no day of month: a number from 1 to 31"},
           {"-5 * * * *", "at 0: '' is no minute: a number from 0 to 59"},
           {"5- * * * *", "at 2: '' is no minute: a number from 0 to 59"},
           {"1-2-3 * * * *", "at 2: '2-3' is no minute: a number from 0 to 59"},
           {"*-5 * * * *", "at 0: '*' is no minute: a number from 0 to 59"},
           {"0x5 * * * *", "at 0: '0x5' is no minute: a number from 0 to 59"},
           {"99999999999999999999 * * * *", "at 0: '99999999999999999999' is no minute: a number from 0 to 59"},
           {"\xc3\xa9 * * * *", "at 0: '\xc3\xa9' is no minute: a number from 0 to 59"},
           {"1,,2 * * * *", "at 2: minute '1,,2' has an empty part"},
           {"1, * * * *", "at 2: minute '1,' has an empty part"},
           {", * * * *", "at 0: minute ',' has an empty part"},
           {"! * * * *", "at 1: minute '!' has an empty part"},
           {"!5 * * * *", "at 0: minute '!5' takes away from nothing; write '*,!5'"},
           {"* 5,!5 * * *", "at 2: hour '5,!5' leaves nothing"},
           {"* * * * *,!*", "at 8: day of week '*,!*' leaves nothing"},
           {"*/0 * * * *", "at 2: a step of 0 stands still; a step is a number from 1 on"},
           {"*/70 * * * *", "at 2: a step of 70 from 0 to 59 leaves 0 alone; write that, or a step up to 59"},
           {"*/60 * * * *", "at 2: a step of 60 from 0 to 59 leaves 0 alone; write that, or a step up to 59"},
           {"* * * * */7", "at 10: a step of 7 from 0 to 6 leaves 0 alone; write that, or a step up to 6"},
           {"* 8-10/5 * * *", "at 7: a step of 5 from 8 to 10 leaves 8 alone; write that, or a step up to 2"},
           {"5-5/2 * * * *", "at 4: a step of 2 from 5 to 5 leaves 5 alone; write that, or a step up to 1"},
           {"*/ * * * *", "at 2: '' is no step: a number from 1 on"},
           {"*/-1 * * * *", "at 2: '-1' is no step: a number from 1 on"},
           {"*/2/3 * * * *", "at 2: '2/3' is no step: a number from 1 on"},
           {"5/10 * * * *", "at 0: minute '5/10' begins somewhere and ends nowhere; write '5-59/10'"},
           {"* * * * mon/2", "at 8: day of week 'mon/2' begins somewhere and ends nowhere; write 'mon-6/2'"},
           {"0 22-2 * * *", "at 2: hour '22-2' goes backwards; write '22-23,0-2'"},
           {"0 0 * nov-feb *", "at 6: month 'nov-feb' goes backwards; write 'nov-12,1-feb'"},
           {"0 0 * * fri-mon", "at 8: day of week 'fri-mon' goes backwards; write 'fri-6,0-mon'"},
           {"0 0 30 2 *", "at 4: no month of '2' has a day 30: this never comes"},
           {"0 0 31 feb,apr,jun,sep,nov 0-7", "at 4: no month of 'feb,apr,jun,sep,nov' has a day 31: this never comes"},
       })
    EXPECT_EQ(Read(text), said) << text;
}

// What an error says to write instead can be written.
TEST(Cron, HintsAreGood) {
  for (const char* text : {"5-59/10 * * * *", "* * * * mon-6/2", "0 22-23,0-2 * * *", "0 0 * nov-12,1-feb *",
                           "0 0 * * fri-6,0-mon", "*,!5 * * * *"})
    EXPECT_TRUE(ParseCron(text)) << text << " " << Read(text);
}

TEST(Cron, ALongTextTakesNoLongTime) {
  std::string text = "0";
  for (int i = 0; i < 200'000; ++i) text += ",0";
  EXPECT_EQ(Read(text + " * * * *"), "0 0-23 1-31 1-12 0-6 elapsed");
  EXPECT_LT(Read(text + ",x * * * *").size(), 200U);
  EXPECT_LT(Read("!" + text + " * * * *").size(), 400U);
}

}  // namespace
}  // namespace cromt
