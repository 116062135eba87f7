#include <intel-ipsec-mb.h>

#include <algorithm>
#include <array>

#include "proto/base/check.h"
#include "proto/base/free_with.h"
#include "proto/crypto/aead.h"
#include "proto/crypto/aead_backends.h"

namespace aya::crypto {
namespace {

using MbManager = std::unique_ptr<IMB_MGR, FreeWith<free_mb_mgr>>;

// The library takes jobs into its own queue and gives them back when it pleases, out of order: each
// carries a pointer home, and a batch is over when the queue has been flushed.
class IpsecMbAead final : public AeadBatch {
 public:
  explicit IpsecMbAead(MbManager mb) : mb_(std::move(mb)) {}

  std::string_view name() const override { return "ipsec-mb"; }

  void seal(const Key32& key, std::span<AeadJob> jobs) override {
    for (; !jobs.empty(); jobs = jobs.subspan(std::min(kChunk, jobs.size()))) {
      const auto chunk = jobs.first(std::min(kChunk, jobs.size()));
      run(key, chunk, IMB_DIR_ENCRYPT);
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        AYA_CHECK(chunk[i].ok);
        copy_bytes(MutableBytes(chunk[i].data + chunk[i].len, kTagSize), tags_[i]);
      }
    }
  }

  void open(const Key32& key, std::span<AeadJob> jobs) override {
    for (; !jobs.empty(); jobs = jobs.subspan(std::min(kChunk, jobs.size()))) {
      const auto chunk = jobs.first(std::min(kChunk, jobs.size()));
      run(key, chunk, IMB_DIR_DECRYPT);
      for (std::size_t i = 0; i < chunk.size(); ++i) {
        const Bytes received(chunk[i].data + chunk[i].len, kTagSize);
        chunk[i].ok = chunk[i].ok && equal_in_constant_time(tags_[i], received);
      }
    }
  }

 private:
  static constexpr std::size_t kChunk = 64;  // the library's queue holds at least this many

  // Leaves each job's computed tag in tags_ and whether the library finished it in `ok`.
  void run(const Key32& key, std::span<AeadJob> jobs, IMB_CIPHER_DIRECTION direction) {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i].ok = false;
      nonces_[i] = nonce_le(jobs[i].counter);
      IMB_JOB* job = IMB_GET_NEXT_JOB(mb_.get());
      describe(*job, key, jobs[i], direction, i);
      take_back(IMB_SUBMIT_JOB_NOCHECK(mb_.get()));
      while (IMB_JOB* done = IMB_GET_COMPLETED_JOB(mb_.get())) take_back(done);
    }
    while (IMB_JOB* done = IMB_FLUSH_JOB(mb_.get())) take_back(done);
  }

  void describe(
      IMB_JOB& job, const Key32& key, AeadJob& of, IMB_CIPHER_DIRECTION direction, std::size_t i) {
    job.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
    job.hash_alg = IMB_AUTH_CHACHA20_POLY1305;
    job.cipher_direction = direction;
    job.chain_order = direction == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.enc_keys = job.dec_keys = key.bytes().data();
    job.key_len_in_bytes = Key32::kSize;
    job.iv = reinterpret_cast<const std::uint8_t*>(nonces_[i].data());
    job.iv_len_in_bytes = nonces_[i].size();
    job.src = job.dst = reinterpret_cast<std::uint8_t*>(of.data);
    job.cipher_start_src_offset_in_bytes = job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_cipher_in_bytes = job.msg_len_to_hash_in_bytes = of.len;
    job.u.CHACHA20_POLY1305.aad = nullptr;
    job.u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
    job.auth_tag_output = reinterpret_cast<std::uint8_t*>(tags_[i].data());
    job.auth_tag_output_len_in_bytes = kTagSize;
    job.user_data = &of;
  }

  static void take_back(IMB_JOB* done) {
    if (done == nullptr) return;
    static_cast<AeadJob*>(done->user_data)->ok = done->status == IMB_STATUS_COMPLETED;
  }

  MbManager mb_;
  std::array<Nonce12, kChunk> nonces_;
  std::array<std::array<std::byte, kTagSize>, kChunk> tags_;
};

}  // namespace

std::unique_ptr<AeadBatch> make_ipsec_mb_aead() {
  MbManager mb(alloc_mb_mgr(0));
  if (mb == nullptr) return nullptr;
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(mb.get(), &arch);
  if (imb_get_errno(mb.get()) != 0 || arch < IMB_ARCH_AVX2) return nullptr;
  return std::make_unique<IpsecMbAead>(std::move(mb));
}

}  // namespace aya::crypto
