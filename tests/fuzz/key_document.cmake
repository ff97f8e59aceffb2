fle_fuzz(key_document_fuzz DEPS libfle::kms)
