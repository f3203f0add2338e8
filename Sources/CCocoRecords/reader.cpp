#include <new>
#include <vector>

#include "CCocoRecords.h"
#include "tokens.h"

namespace {

using dmt::Tokens;

struct Key {
    const uint8_t *start;
    size_t length;
};

}  // namespace

struct dmt_record_reader {
    Tokens tokens;
    unsigned wanted = 0;
    bool is_first = true;
    std::vector<double> numbers, keypoints;
    std::vector<size_t> part_ends;
    std::vector<uint32_t> runs;
    std::vector<uint8_t> text;
    std::vector<Key> others;

    bool read(dmt_record &record);
    bool member(dmt_record &record, Key key);
    bool numbers_of(std::vector<double> &list);
    bool box(dmt_record &record);
    bool polygons(dmt_record &record);
    bool run_lengths(dmt_record &record);
    bool string_of_runs(dmt_record &record);
    bool list_of_runs(dmt_record &record);
    bool flag(int *value);
    bool is_new(Key key);
};

// A list of numbers, its bracket taken, added to `list`.
bool dmt_record_reader::numbers_of(std::vector<double> &list) {
    if (tokens.take(']')) return true;
    do {
        double value;
        if (!tokens.number(&value)) return false;
        list.push_back(value);
    } while (tokens.another(']'));
    return !tokens.failed;
}

bool dmt_record_reader::box(dmt_record &record) {
    if (!tokens.expect('[')) return false;
    if (tokens.take(']')) return true;
    for (int i = 0; i < 4; i++)
        if (!tokens.number(&record.box[i]) || tokens.another(']') != (i < 3)) return tokens.fail();
    record.found |= DMT_RECORD_BOX;
    return !tokens.failed;
}

bool dmt_record_reader::polygons(dmt_record &record) {
    tokens.at++;
    record.segmentation = DMT_SEGMENTATION_POLYGONS;
    if (tokens.take(']')) return true;
    do {
        if (!tokens.expect('[') || !numbers_of(numbers)) return false;
        part_ends.push_back(numbers.size());
    } while (tokens.another(']'));
    return !tokens.failed;
}

// COCO's string, its quote taken. Its characters include the backslash, which JSON doubles.
bool dmt_record_reader::string_of_runs(dmt_record &record) {
    record.segmentation = DMT_SEGMENTATION_STRING;
    const uint8_t *stop = tokens.plain_end(tokens.at);
    if (stop < tokens.end && *stop == '"') {
        record.text = tokens.at;
        record.text_length = static_cast<size_t>(stop - tokens.at);
        tokens.at = stop + 1;
        return true;
    }
    while (stop < tokens.end && *stop == '\\') {
        if (stop[1] != '\\') return tokens.fail();
        text.insert(text.end(), tokens.at, stop + 1);
        tokens.at = stop + 2;
        stop = tokens.plain_end(tokens.at);
    }
    if (stop >= tokens.end || *stop != '"') return tokens.fail();
    text.insert(text.end(), tokens.at, stop);
    tokens.at = stop + 1;
    record.text = text.data();
    record.text_length = text.size();
    return true;
}

bool dmt_record_reader::list_of_runs(dmt_record &record) {
    record.segmentation = DMT_SEGMENTATION_RUNS;
    if (tokens.take(']')) return true;
    do {
        int64_t run;
        if (!tokens.integer(&run) || run < 0 || run > UINT32_MAX) return tokens.fail();
        runs.push_back(static_cast<uint32_t>(run));
    } while (tokens.another(']'));
    return !tokens.failed;
}

bool dmt_record_reader::run_lengths(dmt_record &record) {
    tokens.at++;
    bool has_size = false;
    do {
        size_t length;
        const uint8_t *const key = tokens.key(&length);
        if (!key) return false;
        if (length == 4 && std::memcmp(key, "size", 4) == 0 && !has_size) {
            int64_t height, width;
            has_size = true;
            if (!tokens.expect('[') || !tokens.integer(&height) || !tokens.another(']') || !tokens.integer(&width) ||
                tokens.another(']'))
                return tokens.fail();
            if (height < 0 || width < 0 || height >= 1000000000 || width >= 1000000000 ||
                height * width >= (int64_t{1} << 32))
                return tokens.fail();
            record.height = static_cast<uint32_t>(height);
            record.width = static_cast<uint32_t>(width);
        } else if (length == 6 && std::memcmp(key, "counts", 6) == 0 && record.segmentation == 0) {
            if (tokens.take('"') ? !string_of_runs(record) : !tokens.expect('[') || !list_of_runs(record)) return false;
        } else {
            return tokens.fail();
        }
    } while (tokens.another('}'));
    return (!tokens.failed && has_size && record.segmentation != 0) || tokens.fail();
}

bool dmt_record_reader::flag(int *value) {
    tokens.space();
    if (tokens.word("true", 4)) return *value = 1, true;
    if (tokens.word("false", 5)) return *value = 0, true;
    double number;
    if (!tokens.number(&number)) return false;
    *value = number != 0;
    return true;
}

// Whether a key that is not read stands in the record for the first time.
bool dmt_record_reader::is_new(Key key) {
    if (others.size() >= 8) return tokens.fail();
    for (const Key &other : others)
        if (other.length == key.length && std::memcmp(other.start, key.start, key.length) == 0) return tokens.fail();
    others.push_back(key);
    return true;
}

bool dmt_record_reader::member(dmt_record &r, Key key) {
    const auto is = [&](const char *name) { return std::memcmp(key.start, name, key.length) == 0; };
    // Each key once: a second one is left to the strict reader.
    const auto once = [&](unsigned part) { return !(r.found & part) || tokens.fail(); };
    const auto found = [&](unsigned part) { return r.found |= part, true; };
    tokens.space();
    switch (key.length) {
        case 2:
            if (is("id")) return once(DMT_RECORD_ID) && tokens.integer(&r.id) && found(DMT_RECORD_ID);
            break;
        case 4:
            if (is("bbox")) return once(DMT_RECORD_BOX) && is_new(key) && box(r);
            if (is("area")) return once(DMT_RECORD_AREA) && tokens.number(&r.area) && found(DMT_RECORD_AREA);
            break;
        case 5:
            if (is("score")) return once(DMT_RECORD_SCORE) && tokens.number(&r.score) && found(DMT_RECORD_SCORE);
            break;
        case 6:
            if (is("ignore")) return is_new(key) && flag(&r.is_ignored);
            break;
        case 7:
            if (is("iscrowd")) return once(DMT_RECORD_CROWD) && flag(&r.is_crowd) && found(DMT_RECORD_CROWD);
            break;
        case 8:
            if (is("image_id"))
                return once(DMT_RECORD_IMAGE_ID) && tokens.integer(&r.image_id) && found(DMT_RECORD_IMAGE_ID);
            break;
        case 9:
            if (!is("keypoints")) break;
            if (!is_new(key) || !found(DMT_RECORD_KEYPOINTS)) return false;
            if (!(wanted & DMT_RECORD_KEYPOINTS)) return tokens.skip();
            r.reads_keypoints = 1;
            return tokens.expect('[') && numbers_of(keypoints) && (keypoints.size() % 3 == 0 || tokens.fail());
        case 11:
            if (is("category_id"))
                return once(DMT_RECORD_CATEGORY_ID) && tokens.integer(&r.category_id) && found(DMT_RECORD_CATEGORY_ID);
            break;
        case 12:
            if (!is("segmentation")) break;
            if (!is_new(key) || !found(DMT_RECORD_SEGMENTATION)) return false;
            if (tokens.at < tokens.end && *tokens.at == '[')
                return wanted & DMT_RECORD_SEGMENTATION ? polygons(r) : tokens.skip();
            if (tokens.at >= tokens.end || *tokens.at != '{' || !run_lengths(r)) return tokens.fail();
            if (!(wanted & DMT_RECORD_SEGMENTATION)) r.segmentation = DMT_SEGMENTATION_SKIPPED;
            return true;
        case 13:
            if (is("num_keypoints"))
                return once(DMT_RECORD_KEYPOINT_COUNT) && tokens.integer(&r.keypoint_count) &&
                       found(DMT_RECORD_KEYPOINT_COUNT);
            break;
        default: break;
    }
    return is_new(key) && tokens.skip();
}

bool dmt_record_reader::read(dmt_record &record) {
    numbers.clear();
    keypoints.clear();
    part_ends.clear();
    runs.clear();
    text.clear();
    others.clear();
    if (!tokens.expect('{')) return false;
    if (tokens.take('}')) return true;
    do {
        Key key;
        key.start = tokens.key(&key.length);
        if (!key.start || !member(record, key)) return false;
    } while (tokens.another('}'));
    record.numbers = numbers.data();
    record.part_ends = part_ends.data();
    record.part_count = part_ends.size();
    record.runs = runs.data();
    record.run_count = runs.size();
    record.keypoints = keypoints.data();
    record.keypoint_numbers = keypoints.size();
    return !tokens.failed;
}

extern "C" dmt_record_reader *dmt_record_reader_new(void) {
    try {
        auto *reader = new dmt_record_reader;
        // So that pointers to empty lists are pointers too.
        reader->numbers.reserve(256);
        reader->keypoints.reserve(64);
        reader->part_ends.reserve(16);
        reader->runs.reserve(256);
        return reader;
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

extern "C" void dmt_record_reader_free(dmt_record_reader *reader) { delete reader; }

extern "C" void dmt_record_reader_start(dmt_record_reader *reader, const uint8_t *text, size_t length, unsigned wanted) {
    reader->tokens.at = text;
    reader->tokens.end = text + length;
    reader->tokens.failed = false;
    reader->wanted = wanted;
    reader->is_first = true;
}

extern "C" int dmt_record_reader_next(dmt_record_reader *reader, dmt_record *record) {
    Tokens &tokens = reader->tokens;
    tokens.space();
    if (tokens.at == tokens.end) return 0;
    if (!reader->is_first && !tokens.take(',')) return -1;
    reader->is_first = false;
    *record = dmt_record{};
    try {
        return reader->read(*record) ? 1 : -1;
    } catch (const std::bad_alloc &) {
        return -1;
    }
}
