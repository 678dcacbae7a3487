#include "state/page_tree.h"

#include <thread>

#include <gtest/gtest.h>

namespace millrace {
namespace {

struct Number : Counted {
  explicit Number(int v) : value(v) {}
  int value;
};

TEST(PageTree, ACopyKeepsItsPagesWhileTheOtherIsWritten) {
  PageTree<Number> tree;
  for (int i = 0; i < 1000; ++i) tree.Add(new Number(i));
  const PageTree<Number> copy = tree;
  const Number* shared = &copy.page(300);
  EXPECT_EQ(&tree.page(300), shared);
  tree.Mut(300).value = -1;
  tree.Add(new Number(1000));
  EXPECT_EQ(copy.page(300).value, 300);
  EXPECT_EQ(tree.page(300).value, -1);
  EXPECT_EQ(&tree.page(301), &copy.page(301)) << "only the written page is copied";
  EXPECT_EQ(copy.size(), 1000u);
  EXPECT_EQ(tree.page(1000).value, 1000);
}

TEST(PageTree, WritesInPlaceOnceTheCopyIsGone) {
  PageTree<Number> tree;
  tree.Add(new Number(1));
  const Number* page = &tree.page(0);
  std::thread([copy = tree] { EXPECT_EQ(copy.page(0).value, 1); }).join();
  EXPECT_EQ(&tree.Mut(0), page);
}

}  // namespace
}  // namespace millrace
