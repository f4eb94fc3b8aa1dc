// Strings and heredocs. Every expected text is what rakudo 2022.12 makes of it.
#include <gtest/gtest.h>

#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

std::string TextOf(std::string_view literal) {
  FakeHost host;
  host.environment = {{"ABC", "abc"}};
  return SaidBy("my $x = 'v'; my %h = a => { b => [1, 2] }; my @l = 1, 2; say " + std::string(literal), host);
}

TEST(Quotes, ResolveEscapesAsRakuDoes) {
  EXPECT_EQ(TextOf(R"('a\'b\\c\n')"), "a'b\\c\\n");  // between ' only \' and \\ are escapes
  EXPECT_EQ(TextOf(R"('$x @y[0] {z}')"), "$x @y[0] {z}");
  EXPECT_EQ(TextOf(R"("a\"b\\c\n\t\r\e")"), "a\"b\\c\n\t\r\x1B");
  EXPECT_EQ(TextOf(R"("\$x \@y \%z \{w\} \-\.\(\[\<\/\|\,\=\!\*\~\:")"), "$x @y %z {w} -.([</|,=!*~:");
  EXPECT_EQ(TextOf("\"two\nlines ünï\""), "two\nlines ünï");
}

TEST(Quotes, TakeInVariablesWithTheirSubscripts) {
  EXPECT_EQ(TextOf(R"("$x: $x, ($x) [$x] <$x> $x. $x-1 $x/2 $x.txt $x\[0] $x\<a>")"),
            "v: v, (v) [v] <v> v. v-1 v/2 v.txt v[0] v<a>");
  EXPECT_EQ(TextOf(R"("%h<a><b>[1] {%h<a>{'b'}[0]} %h{"a"}<b> %h<a><c>")"), "2 1 1 2 ");
  EXPECT_EQ(TextOf(R"("@l[] {@l} @l[0] @l %h &x 100% me@example.com @l.x")"),
            "1 2 1 2 1 @l %h &x 100% me@example.com @l.x");
  EXPECT_EQ(TextOf(R"("%*ENV<ABC> $*CWD/x {$*CWD} %*ENV<NO>|")"), "abc /job/x /job |");
  EXPECT_EQ(TextOf(R"("a{ 'b' ~ "c" }d{1 + 2}{$x eq "v"}")"), "abcd3True");
  EXPECT_EQ(TextOf(R"("$x's")"), "s:1:63: variable $x's is not declared");
}

TEST(Quotes, HaveOtherBrackets) {
  EXPECT_EQ(TextOf("q{a {b} $x\\n} ~ qq[($x) [y]] ~ Q{\\n} ~ q/s'l/ ~ qq|p$x|"), "a {b} $x\\n(v) [y]\\ns'lpv");
}

TEST(Heredocs, LoseTheIndentationOfTheirEnd) {
  EXPECT_EQ(TextOf("q:to/END/;\n    a\\n $x \\\\ '{b}' \\'\n      c\n\n    d\n   less\n    END\n"),
            "a\\n $x \\ '{b}' \\'\n  c\n\nd\nless\n");
  EXPECT_EQ(TextOf("qq:to /END/;\n    a\\t$x %h<a><b>[1]\n      {$x} \\$y\n    END\n"), "a\tv 2\n  v $y\n");
  EXPECT_EQ(TextOf("Q:to<E>;\n\\n$x\nE\n"), "\\n$x\n");
  EXPECT_EQ(TextOf("qq:to\"E\";\nE\n"), "");
}

TEST(Heredocs, LeaveTheirLineToGoOn) {
  EXPECT_EQ(TextOf("q:to/A/ ~ q:to/B/, 'tail'; say 'next';\n  x\n  A\n  y\n  B\nsay 'last'"), "x\ny\ntail\nnext\nlast");
  EXPECT_EQ(TextOf("%( text => q:to/A/, other => 5 );\n   in\n  A\n"), "{other => 5, text =>  in\n}");
  // Places below a heredoc are right.
  EXPECT_EQ(TextOf("q:to/A/;\nx\nA\nsay $nope"), "s:4:5: variable $nope is not declared");
  EXPECT_EQ(TextOf("qq:to/A/;\nx\n $nope\nA\n"), "s:3:2: variable $nope is not declared");
}

}  // namespace
}  // namespace cromt::step
