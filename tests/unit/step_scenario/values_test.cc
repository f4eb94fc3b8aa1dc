// What expressions mean. Every expected line is what rakudo 2022.12 prints.
#include <gtest/gtest.h>

#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

struct Said {
  std::string_view text, lines;
};

FakeHost World() {
  FakeHost host;
  host.environment = {{"ZERO", "0"}, {"ZEROS", "00"}, {"ONE", "1"}, {"EMPTY", ""}, {"ABC", "abc"}, {"HALF", "0.5"}};
  host.config = {Map{{"a", {int64_t{1}}},
                     {"b", {Map{{"c", {List{{int64_t{1}}, {int64_t{2}}}}}}}},
                     {"h", {List{{std::string("x")}, {std::string("y")}}}}}};
  host.tags = {Map{{"env", {std::string("prod")}}, {"debug", {true}}}};
  return host;
}

void ExpectSaid(std::initializer_list<Said> cases) {
  for (const Said& said : cases) EXPECT_EQ(SaidBy(said.text, World()), said.lines) << said.text;
}

TEST(Values, ArePrintedAsRakuPrintsThem) {
  ExpectSaid({
      {"say 'a', 1, True, -3", "a1True-3"},
      {"say()", ""},
      {"my $x; say $x; my @l; say @l; my %h; say %h", "(Any)\n[]\n{}"},
      {"say (1,2,3); say (1,); say ()", "(1 2 3)\n(1)\n()"},
      {"say [1,[2,3]], {b=>1,a=>{x=>[1,]}}", "[1 [2 3]]{a => {x => [1]}, b => 1}"},
      {"say (1, (2, 3), [4, 5], {a => (1,)})", "(1 (2 3) [4 5] {a => (1)})"},
      {"say <a b>, <a>, < a   b >", "(a b)a(a b)"},
      {"say(1, 2); say (1, 2)", "12\n(1 2)"},
      {"say %(a=>(1,2), b=><x y>)", "{a => (1 2), b => (x y)}"},
      {"my %h = :a, :!b, :c<x>, :d(5), :e<x y>, :f['z']; say %h",
       "{a => True, b => False, c => x, d => 5, e => (x y), f => [z]}"},
      {"my $n=3; say %(:$n), {:$n,}", "{n => 3}{n => 3}"},
      {"say %( 1 => 2, a => 3, a => 4 )", "{1 => 2, a => 4}"},
      {"say {}, []", "{}[]"},
  });
}

TEST(Values, LongListsAreCut) {
  std::string hundred = "[1";
  for (int i = 2; i <= 100; ++i) hundred += " " + std::to_string(i);
  EXPECT_EQ(SaidBy("say [1..100]"), hundred + "]");
  EXPECT_EQ(SaidBy("say [1..101]"), hundred + " ...]");
}

TEST(Values, ListsFlattenWhereRakuFlattens) {
  ExpectSaid({
      {"say [[1,2]]; say [[1,2],]; say [(1,2)]", "[1 2]\n[[1 2]]\n[1 2]"},
      {"my @a = 1,2; say [@a]; say [@a,]", "[1 2]\n[[1 2]]"},
      {"my @l=[1,2]; say @l; my @m = @l, 4; say @m", "[1 2]\n[[1 2] 4]"},
      {"my $x = (1,2); my @a = $x; say @a; my @b = [ $x ]; say @b", "[(1 2)]\n[(1 2)]"},
      {"my @l = config()<b><c>; say @l", "[[1 2]]"},
      {"my @l = config()<b><c><>; say @l", "[1 2]"},
      {"my @l = config()<b><c>[]; say @l", "[1 2]"},
      {"my @r = 1..3; say @r; my @q = [1..^3]; say @q", "[1 2 3]\n[1 2]"},
      {"my @n = 'a'; say @n; my @w = <a b c>; say @w", "[a]\n[a b c]"},
      {"my $h={a=>1}; my %h = $h; say %h", "{a => 1}"},
      {"my @l = 1,2; my %h = l => @l; say %h; my @z = @l, 3; say @z", "{l => [1 2]}\n[[1 2] 3]"},
  });
}

TEST(Values, AreTrueAsInRaku) {
  ExpectSaid({
      {"say '0' || 'd'; say '' || 'd'; say 0 || 'd'; say 0 // 'd'", "0\nd\nd\n0"},
      {"say 1 if '0'; say 2 if ' '; say 3 if []; say 4 if [0,]; say 5 if {}; say 6 if False", "1\n2\n4"},
      {"my $x; say $x // 'u'; say !$x, ?'0', !'a'", "u\nTrueTrueFalse"},
      // A variable of the environment that looks like a number is one, too.
      {"say %*ENV<ZERO> || 'd'; say %*ENV<ZEROS> || 'd'; say %*ENV<EMPTY> || 'd'; say %*ENV<NO> || 'd'", "d\nd\nd\nd"},
      {"say %*ENV<ZERO> // 'd'; say %*ENV<ABC> && 'y'; say %*ENV<ZERO> && 'y'; say %*ENV<HALF> && 'y'", "0\ny\n0\ny"},
      {"my $z = %*ENV<ZERO>; say 'copied' unless $z; say 'text' if \"$z\"", "copied\ntext"},
      {"say 'n' if not %*ENV<NO> and 1; my $v = %*ENV<NO> || %*ENV<ABC>; say $v", "n\nabc"},
      {"say True ?? 1 !! False ?? 2 !! 3; say 3 == 3 ?? 'eq' !! 'ne'", "1\neq"},
  });
}

TEST(Values, OperatorsBindAsInRaku) {
  ExpectSaid({
      {"say 1 ~ 2 + 3; say 5 - 3 ~ 'x'; say 2*3 + 4 - 1; say 10 - 2 - 3; say (1 + 2) * 3", "15\n2x\n9\n5\n9"},
      {"say 1 if 1 > 0 && 2 < 1 || 1; say !1 || 1; say 'b' if !'a' eq 'a'", "1\n1"},
      {"say 1 == '1'; say '1' eq 1; say '10' < 9; say 'a' ne 'b'", "True\nTrue\nFalse\nTrue"},
      {"my $x; say $x == 0; say $x eq ''; say '5' + 1; say ' 3 ' + 1; say '' + 1", "True\nTrue\n6\n4\n1"},
      {"my @l = 1,2; say @l == 2; say [1,2] eq '1 2'", "True\nTrue"},
      {"my $x = -%*ENV<ONE>; say $x; say 4 - -3; say -$x; say - 5", "-1\n7\n1\n-5"},
      {"say (1 or 0); say (0 or 'z')", "1\nz"},
      {"my $x = 5; $x ~= 'a' ~ 'b'; say $x; my $y; $y //= 3; say $y; $y ||= 9; say $y", "5ab\n3\n3"},
      {"say 'a' ~ [1,2] ~ True ~ ''", "a1 2True"},
  });
}

TEST(Values, AreFoundBySubscripts) {
  ExpectSaid({
      {"say config()<a>, config<a>, config<b><c>, config(){'a'}", "11[1 2]1"},
      {"say config()<zz>; say config()<zz><y>; say config()<b><c>[7]", "(Any)\n(Any)\n(Any)"},
      {"say tags()<env>, tags()<debug>, tags<env>, tags()<no>", "prodTrueprod(Any)"},
      {"say 'abc'[0]; say {a => 1}<a>; say [1,2][1]; say (1,2)[0]", "abc\n1\n2\n1"},
      {"my $k = 'k'; my %h = k => 1; say %h{$k}, %h{\"k\"}, %h{ $k }, \"%h{$k}\"", "1111"},
      {"my @l = <a b c>; my $i = 1; say @l[$i], @l[$i + 1], @l[9]", "bc(Any)"},
      {"say os(); say %*ENV{'ABC'}; my $n = 'ABC'; say %*ENV{$n}", "debian\nabc\nabc"},
  });
}

TEST(Values, WhatHasNoMeaningIsAnErrorWithItsPlace) {
  ExpectSaid({
      {"say 'x'<a>", "s:1:8: the key 'a' of what is no map"},
      {"say 'abc'[1]", "s:1:5: index 1 is past the end"},
      {"say [1,2][-1]", "s:1:5: an index that is no whole number from 0"},
      {"say {a => 1}[0]", "s:1:5: [] of a map"},
      {"say 'a' == 1", "s:1:12: 'a' is no plain number"},
      {"say 1 + 'x'", "s:1:9: 'x' is no plain number"},
      {"say %*ENV<HALF> + 1", "s:1:19: cromt calculates with whole numbers only"},
      {"say 9223372036854775807 + 1", "s:1:27: a number of more than 64 bits"},
      {"my %h = a => 1; say \"{%h}\"", "s:1:23: a map as text: its order would be chance"},
      {"my $x; my %h = $x;", "s:1:8: a map is made of what is no map"},
      {"for 1..'x' { }", "s:1:8: 'x' is no plain number"},
      {"for 1..%*ENV<HALF> { }", "s:1:8: a range to a fraction"},
  });
}

}  // namespace
}  // namespace cromt::step
