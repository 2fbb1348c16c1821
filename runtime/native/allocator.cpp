// Memory of CPU tensors. The C library gives every large block back to the kernel as soon as it is freed, so that a
// training step pays for the same pages again and again: a tenth of a second for each gigabyte. Here freed blocks are kept
// for the next tensor of about their size, but never so many that more is resident than the tensors themselves have
// needed at once and 64 MiB beside; large blocks are made of huge pages where the kernel has them. LIPS_ALLOCATOR=system leaves memory to libtorch.
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <unordered_map>

namespace {

constexpr size_t kPage = 4096, kHugePage = 2 << 20, kLarge = 256 << 10, kSpare = 64 << 20;

struct Block {
  char* data;
  size_t bytes;
};

class BlockCache {
 public:
  void* take(size_t wanted) {
    size_t bytes = (wanted + kPage - 1) / kPage * kPage;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = by_size_.lower_bound(bytes);
    Block block;
    if (found != by_size_.end() && found->first - bytes <= bytes / 8) {
      block = *found->second;
      cached_ -= block.bytes;
      by_age_.erase(found->second);
      by_size_.erase(found);
    } else {
      block = map(bytes);
    }
    live_ += block.bytes;
    sizes_[block.data] = block.bytes;
    shrink();
    if (live_ > most_) most_ = live_;
    return block.data;
  }

  // False where the memory is not of this cache.
  bool give(void* data) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = sizes_.find(data);
    if (found == sizes_.end()) return false;
    Block block{static_cast<char*>(data), found->second};
    sizes_.erase(found);
    live_ -= block.bytes;
    cached_ += block.bytes;
    by_size_.emplace(block.bytes, by_age_.insert(by_age_.end(), block));
    shrink();
    return true;
  }

 private:
  // Oldest first, until hardly more is resident than was ever needed at once.
  void shrink(size_t spare = kSpare) {
    while (cached_ > 0 && live_ + cached_ > most_ + spare) {
      auto oldest = by_age_.begin();
      auto range = by_size_.equal_range(oldest->bytes);
      for (auto i = range.first; i != range.second; ++i)
        if (i->second == oldest) {
          by_size_.erase(i);
          break;
        }
      cached_ -= oldest->bytes;
      munmap(oldest->data, oldest->bytes);
      by_age_.erase(oldest);
    }
  }

  Block map(size_t bytes) {
    bool huge = bytes >= 2 * kHugePage;
    size_t asked = huge ? bytes + kHugePage : bytes;
    void* at = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
      // what is kept for later may be what is missing now
      most_ = live_;
      shrink(0);
      at = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    TORCH_CHECK(at != MAP_FAILED, "not enough memory: ", bytes, " bytes were asked for");
    auto begin = static_cast<char*>(at);
    if (!huge) return {begin, bytes};
    auto address = reinterpret_cast<uintptr_t>(begin);
    auto skipped = (kHugePage - address % kHugePage) % kHugePage;
    if (skipped > 0) munmap(begin, skipped);
    if (skipped < kHugePage) munmap(begin + skipped + bytes, kHugePage - skipped);
    madvise(begin + skipped, bytes, MADV_HUGEPAGE);
    return {begin + skipped, bytes};
  }

  std::mutex mutex_;
  std::unordered_map<void*, size_t> sizes_;
  std::list<Block> by_age_;
  std::multimap<size_t, std::list<Block>::iterator> by_size_;
  size_t live_ = 0, cached_ = 0, most_ = 0;
};

// Lives as long as the process: tensors of static lifetime are freed after everything else.
BlockCache& cache() {
  static auto kept = new BlockCache;
  return *kept;
}

void free_small(void* data) { std::free(data); }
void free_any(void* data) {
  if (data != nullptr && !cache().give(data)) std::free(data);
}

// The members of c10::Allocator have changed their qualifiers over time; those of this libtorch are overridden, others unused.
struct CpuAllocator : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) const {
    c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0) return {nullptr, nullptr, &free_small, cpu};
    if (bytes < kLarge) {
      void* data = nullptr;
      TORCH_CHECK(posix_memalign(&data, 64, bytes) == 0, "not enough memory: ", bytes, " bytes were asked for");
      return {data, data, &free_small, cpu};
    }
    void* data = cache().take(bytes);
    return {data, data, &free_any, cpu};
  }
  c10::DataPtr allocate(size_t bytes) { return static_cast<const CpuAllocator*>(this)->allocate(bytes); }
  // For memory of either kind; oneDNN asks for it.
  c10::DeleterFnPtr raw_deleter() const { return &free_any; }
  void copy_data(void* to, const void* from, size_t bytes) const { std::memcpy(to, from, bytes); }
};

__attribute__((constructor)) void use() {
  auto chosen = std::getenv("LIPS_ALLOCATOR");
  if (chosen != nullptr && std::strcmp(chosen, "system") == 0) return;
  static auto allocator = new CpuAllocator;
  c10::SetCPUAllocator(allocator, 1);
}

}  // namespace
