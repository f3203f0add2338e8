// A plain reader of JSON that builds nothing: its one product is the offset of the first wrong byte.
#include "locate.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

class Locator {
public:
    Locator(const uint8_t *text, size_t length, size_t max_depth) : text(text), length(length), max_depth(max_depth) {}

    dmt_json_fault run() {
        if (value(0)) {
            space();
            if (at < length) fail(DMT_JSON_SYNTAX, at);
        }
        return fault;
    }

private:
    const uint8_t *text;
    size_t length, max_depth, at = 0;
    dmt_json_fault fault{DMT_JSON_OK, 0};

    bool fail(int code, size_t offset) {
        fault = {code, offset};
        return false;
    }
    bool fail_here() { return fail(at >= length ? DMT_JSON_TRUNCATED : DMT_JSON_SYNTAX, at < length ? at : length); }

    void space() {
        while (at < length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++;
    }

    bool value(size_t depth) {
        space();
        if (at >= length) return fail_here();
        switch (text[at]) {
            case '{': return depth >= max_depth ? fail(DMT_JSON_DEPTH, at) : object(depth + 1);
            case '[': return depth >= max_depth ? fail(DMT_JSON_DEPTH, at) : array(depth + 1);
            case '"': return string();
            case 't': return word("true");
            case 'f': return word("false");
            case 'n': return word("null");
            default: return number();
        }
    }

    bool word(const char *expected) {
        for (const char *c = expected; *c; c++, at++)
            if (at >= length || text[at] != static_cast<uint8_t>(*c)) return fail_here();
        return true;
    }

    bool object(size_t depth) {
        std::set<std::string_view> keys;
        at++;
        space();
        if (at < length && text[at] == '}') return at++, true;
        while (true) {
            space();
            if (at >= length || text[at] != '"') return fail_here();
            const size_t start = at;
            if (!string()) return false;
            std::string_view key(reinterpret_cast<const char *>(text) + start, at - start);
            if (!keys.insert(key).second) return fail(DMT_JSON_DUPLICATE_KEY, start);
            space();
            if (at >= length || text[at] != ':') return fail_here();
            at++;
            if (!value(depth)) return false;
            space();
            if (at < length && text[at] == '}') return at++, true;
            if (at >= length || text[at] != ',') return fail_here();
            at++;
        }
    }

    bool array(size_t depth) {
        at++;
        space();
        if (at < length && text[at] == ']') return at++, true;
        while (true) {
            if (!value(depth)) return false;
            space();
            if (at < length && text[at] == ']') return at++, true;
            if (at >= length || text[at] != ',') return fail_here();
            at++;
        }
    }

    // One UTF-8 sequence, by the table of well-formed sequences (Unicode 15, table 3-7).
    bool sequence() {
        const uint8_t lead = text[at];
        size_t more = 0;
        if (lead >= 0xC2 && lead <= 0xDF) more = 1;
        else if (lead >= 0xE0 && lead <= 0xEF) more = 2;
        else if (lead >= 0xF0 && lead <= 0xF4) more = 3;
        if (more == 0 || at + more >= length) return fail(DMT_JSON_UTF8, at);
        uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xBF)
            if (text[at + i] < low || text[at + i] > high) return fail(DMT_JSON_UTF8, at);
        at += more + 1;
        return true;
    }

    bool hex4(uint32_t &code) {
        code = 0;
        for (int i = 0; i < 4; i++, at++) {
            if (at >= length) return fail_here();
            const uint8_t c = text[at];
            int digit = -1;
            if (c >= '0' && c <= '9') digit = c - '0';
            else if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
            else if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
            if (digit < 0) return fail_here();
            code = code * 16 + static_cast<uint32_t>(digit);
        }
        return true;
    }

    bool string() {
        at++;
        while (at < length) {
            const uint8_t c = text[at];
            if (c == '"') return at++, true;
            if (c < 0x20) return fail(DMT_JSON_SYNTAX, at);
            if (c == '\\') {
                const size_t start = at++;
                if (at >= length) return fail_here();
                if (text[at] == 'u') {
                    uint32_t code, low;
                    at++;
                    if (!hex4(code)) return false;
                    if (code >= 0xDC00 && code <= 0xDFFF) return fail(DMT_JSON_SYNTAX, start);
                    if (code >= 0xD800 && code <= 0xDBFF) {
                        if (at + 1 >= length || text[at] != '\\' || text[at + 1] != 'u')
                            return fail(DMT_JSON_SYNTAX, start);
                        at += 2;
                        if (!hex4(low)) return false;
                        if (low < 0xDC00 || low > 0xDFFF) return fail(DMT_JSON_SYNTAX, start);
                    }
                } else {
                    if (!std::strchr("\"\\/bfnrt", text[at]) || text[at] == 0) return fail_here();
                    at++;
                }
            } else if (c < 0x80) {
                at++;
            } else if (!sequence()) {
                return false;
            }
        }
        return fail_here();
    }

    bool digits() {
        if (at >= length || text[at] < '0' || text[at] > '9') return fail_here();
        while (at < length && text[at] >= '0' && text[at] <= '9') at++;
        return true;
    }

    bool number() {
        const size_t start = at;
        bool whole = true;
        if (text[at] == '-') at++;
        if (at < length && text[at] == '0') {
            at++;
        } else if (!digits()) {
            return false;
        }
        if (at < length && text[at] == '.') {
            whole = false;
            at++;
            if (!digits()) return false;
        }
        if (at < length && (text[at] == 'e' || text[at] == 'E')) {
            whole = false;
            at++;
            if (at < length && (text[at] == '+' || text[at] == '-')) at++;
            if (!digits()) return false;
        }
        if (at < length && !std::strchr(" \n\r\t,]}", text[at])) return fail_here();
        const std::string copy(reinterpret_cast<const char *>(text) + start, at - start);
        if (whole ? copy.size() > 18 && beyond64(copy) : !std::isfinite(std::strtod(copy.c_str(), nullptr)))
            return fail(DMT_JSON_NUMBER, start);
        return true;
    }

    static bool beyond64(const std::string &digits) {
        errno = 0;
        if (digits[0] == '-') std::strtoll(digits.c_str(), nullptr, 10);
        else std::strtoull(digits.c_str(), nullptr, 10);
        return errno == ERANGE;
    }
};

}  // namespace

dmt_json_fault dmt_json_locate(const uint8_t *text, size_t length, size_t max_depth) noexcept {
    return Locator(text, length, max_depth).run();
}
