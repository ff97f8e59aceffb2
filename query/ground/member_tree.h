#ifndef FLE_QUERY_SRC_MEMBER_TREE_H_
#define FLE_QUERY_SRC_MEMBER_TREE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <string_view>

#include "fle/work.h"

namespace fle::query {

/// Names and what stands under them, never changed once made: a tree with one more name shares all
/// but a few nodes with the one that it came from, so that a thousand stages that each add a field
/// to many cost no more than the fields. Weight-balanced (S. Adams, "Implementing sets efficiently
/// in a functional language", 1992; delta 3, gamma 2 after Hirai and Yamamoto, 2011).
///
/// @tparam T  a value, with a Summary that is made of it and of other summaries: T::Summary(const
///            T&) and Summary::add(const Summary&).
template <class T>
class MemberTree {
 public:
  using Summary = typename T::Summary;

  /// Where nodes live, for as long as any tree is used. Names are views that must stay as long.
  class Nodes;

  [[nodiscard]] bool empty() const noexcept { return root_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_of(root_); }
  /// Of all members; as made of nothing when there are none.
  [[nodiscard]] Summary summary() const { return root_ == nullptr ? Summary() : root_->summary; }

  /// Null when there is none of that name.
  [[nodiscard]] const T* find(std::string_view name, Work& work) const noexcept {
    for (const Node* at = root_; at != nullptr;) {
      work.step();
      work.bytes(std::min(name.size(), at->name.size()));
      const int order = name.compare(at->name);
      if (order == 0) return &at->value;
      at = order < 0 ? at->left : at->right;
    }
    return nullptr;
  }

  /// This tree with `value` under `name`.
  [[nodiscard]] MemberTree with(std::string_view name, const T& value, Nodes& nodes) const {
    return MemberTree(nodes.with(root_, name, value));
  }
  /// Of `n` pairs in order, each name once.
  template <class Iterator>
  [[nodiscard]] static MemberTree of(Iterator sorted, std::size_t n, Nodes& nodes) {
    return MemberTree(nodes.build(sorted, n));
  }
  /// Calls f(name, value) for each, in order.
  template <class F>
  void for_each(F f) const {
    visit(root_, f);
  }

 private:
  struct Node {
    std::string_view name;
    T value;
    const Node* left;
    const Node* right;
    std::size_t size;
    Summary summary;
  };

  explicit MemberTree(const Node* root) noexcept : root_(root) {}

  static std::size_t size_of(const Node* node) noexcept { return node == nullptr ? 0 : node->size; }

  template <class F>
  static void visit(const Node* node, F& f) {
    if (node == nullptr) return;
    visit(node->left, f);
    f(node->name, node->value);
    visit(node->right, f);
  }

  const Node* root_ = nullptr;

 public:
  MemberTree() = default;

  class Nodes {
   public:
    explicit Nodes(Work& work) noexcept : work_(work) {}
    /// Made so far, for all trees.
    [[nodiscard]] std::size_t size() const noexcept { return n_; }

   private:
    friend class MemberTree;

    const Node* make(std::string_view name, const T& value, const Node* left, const Node* right) {
      work_.step();
      ++n_;
      Summary summary(value);
      if (left != nullptr) summary.add(left->summary);
      if (right != nullptr) summary.add(right->summary);
      return &nodes_.emplace_front(
          Node{name, value, left, right, size_of(left) + size_of(right) + 1, summary});
    }

    /// As make(), where one side may have grown by one.
    const Node* balanced(std::string_view name, const T& value, const Node* left,
                         const Node* right) {
      const std::size_t l = size_of(left);
      const std::size_t r = size_of(right);
      if (l + r < 2 || (l + 1 <= 3 * (r + 1) && r + 1 <= 3 * (l + 1)))
        return make(name, value, left, right);
      if (l < r) {
        const Node* inner = right->left;
        if (size_of(inner) + 1 < 2 * (size_of(right->right) + 1))
          return make(right->name, right->value, make(name, value, left, inner), right->right);
        return make(inner->name, inner->value, make(name, value, left, inner->left),
                    make(right->name, right->value, inner->right, right->right));
      }
      const Node* inner = left->right;
      if (size_of(inner) + 1 < 2 * (size_of(left->left) + 1))
        return make(left->name, left->value, left->left, make(name, value, inner, right));
      return make(inner->name, inner->value, make(left->name, left->value, left->left, inner->left),
                  make(name, value, inner->right, right));
    }

    const Node* with(const Node* node, std::string_view name, const T& value) {
      if (node == nullptr) return make(name, value, nullptr, nullptr);
      work_.bytes(std::min(name.size(), node->name.size()));
      const int order = name.compare(node->name);
      if (order == 0) return make(name, value, node->left, node->right);
      if (order < 0)
        return balanced(node->name, node->value, with(node->left, name, value), node->right);
      return balanced(node->name, node->value, node->left, with(node->right, name, value));
    }

    template <class Iterator>
    const Node* build(Iterator& next, std::size_t n) {
      if (n == 0) return nullptr;
      const Node* left = build(next, n / 2);
      const auto& [name, value] = *next;
      ++next;
      return make(name, T{value}, left, build(next, n - n / 2 - 1));
    }

    std::forward_list<Node> nodes_;
    std::size_t n_ = 0;
    Work& work_;
  };
};

}  // namespace fle::query

#endif  // FLE_QUERY_SRC_MEMBER_TREE_H_
