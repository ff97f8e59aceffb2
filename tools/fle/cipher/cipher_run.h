#ifndef FLE_TOOLS_CIPHER_RUN_H_
#define FLE_TOOLS_CIPHER_RUN_H_

#include "cipher_options.h"
#include "commands/collections.h"
#include "fault_report.h"
#include "fle/client/document_cipher.h"
#include "run_files.h"
#include "streams/pipeline.h"
#include "terminal/progress.h"

namespace fle::tools {

/// A stream of documents on its way through the ciphers of its collections.
class CipherRun {
 public:
  CipherRun(const CipherOptions& o, Lanes lanes, client::DocumentCipher::Reencryption how,
            RunFiles& files);

  /// All documents of the input that no earlier run has done.
  Ending all();
  /// What was counted, for another process to go on with.
  [[nodiscard]] std::string counts() const;
  /// Says on standard error which documents were left out, once they are where they belong.
  void tell_left_out() const { left_out_.finish(o_.quarantine); }
  /// Whether some were left out.
  [[nodiscard]] bool left_some_out() const noexcept { return left_out_.any(); }
  [[nodiscard]] Summary summary() const { return lanes_.summary(o_.fate()); }

 private:
  struct Part;  // of the stream, and what becomes of it

  Done process(Part& p);
  Done read_documents(Part& p);
  Done transform(Part& p);
  Done run_cipher(const client::DocumentCipher& cipher, client::Batch& batch) const;
  Outcome<bool> write_texts(Part& p);
  Done give_up(Part& p, Failure why);
  Done leave_out(Part& p, std::size_t i, bson::Faults faults);
  Done write(Part& p);
  Done count(Part& p);
  Done load_counts();
  [[nodiscard]] Failure in_part(Failure f) const;

  const CipherOptions& o_;
  Lanes lanes_;
  client::DocumentCipher::Reencryption how_;
  RunFiles& files_;
  const DocumentReader& reader_;
  DocumentWriter& out_;
  Progress progress_;
  KeptReport kept_;
  LeftOutReport left_out_;
  StopReport stop_;
};

}  // namespace fle::tools

#endif  // FLE_TOOLS_CIPHER_RUN_H_
