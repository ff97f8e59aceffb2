#ifndef FLE_BENCH_LIMIT_ROWS_H_
#define FLE_BENCH_LIMIT_ROWS_H_

namespace fle::bench {

/// What the chosen kernel reaches alone, on data in the nearest cache:
///
///     limit/op:sha512|cbc_encrypt|cbc_decrypt/impl:fle/lanes:N   a compression, a block
///     limit/op:iv/impl:fle/lanes:64                              an IV of the generator
///
/// `lanes` is the number of messages that are handed over at once, so for each width of the kernel
/// there is a row. docs/performance-limits.md says what the rows are for.
void add_limit_rows();

}  // namespace fle::bench

#endif  // FLE_BENCH_LIMIT_ROWS_H_
