"""The shaders that draw outlines: a segment of a ring is a quad, its looks come from two textures.

``u_pass`` says what is drawn: 0 the dark edge and 1 the band of the selected cell's halo, 2 casings and rims, 3 lines,
4 casings and lines at once.
"""

from allviewer.gui.palette import WIDTH_UNIT

COLUMNS = 1024
"""Width of the state texture: cell i is texel (i // COLUMNS, i % COLUMNS)."""

_CONSTANTS = f"#define COLUMNS {COLUMNS}.0\n#define WIDTH_UNIT {WIDTH_UNIT}\n"

VERTEX = (
    _CONSTANTS
    + """
attribute vec2 a_corner;   // (0|1 start|end, -1|1 side)
attribute vec4 a_ends;     // x0 y0 x1 y1, level-0 pixels, house frame
attribute vec4 a_beyond;   // the corner before the start, the corner after the end
attribute vec3 a_tags;     // cell, ring kind with the sign of its outside, distance from the ring's start
uniform sampler2D u_state;
uniform sampler2D u_palette;
uniform float u_rows;
uniform float u_scale;     // framebuffer pixels of one logical pixel
uniform float u_flip;      // -1 where the way to the framebuffer mirrors
uniform float u_pass;
uniform float u_doubt;     // 1 where cells are large enough for a second ring
uniform float u_dot;       // radius of a dot, framebuffer pixels
uniform vec2 u_origin;     // a level-0 point on the screen: what is subtracted before scaling stays exact on any slide
uniform vec2 u_place;      // where it lies in the framebuffer
uniform vec4 u_axes;       // framebuffer pixels of one level-0 pixel along x, then along y
varying vec4 v_colour;
varying vec4 v_local;      // along, across (outside positive), 1 for a dot, distance along the ring: framebuffer pixels
varying vec4 v_style;      // half width, casing grey, halo width, dashed
varying vec2 v_rim;        // width, grey

vec2 framebuffer(vec2 at) {
    vec2 off = at - u_origin;
    return u_place + off.x * u_axes.xy + off.y * u_axes.zw;
}

vec2 direction(vec2 way, vec2 otherwise) {
    float span = length(way);
    return span > 1e-4 ? way / span : otherwise;
}

void main() {
    float row = floor(a_tags.x / COLUMNS);
    vec2 texel = vec2((a_tags.x - row * COLUMNS + 0.5) / COLUMNS, (row + 0.5) / u_rows);
    float state = floor(texture2D(u_state, texel).r * 255.0 + 0.5);
    v_colour = texture2D(u_palette, vec2((state + 0.5) / 256.0, 1.0 / 6.0));
    float kind = abs(a_tags.y);
    float nucleus = step(1.5, kind) * step(kind, 2.5);
    float dot_ = step(2.5, kind);
    if (v_colour.a < 0.01 || (nucleus > 0.5 && u_pass < 2.5)) {
        gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
        return;
    }
    vec4 style = texture2D(u_palette, vec2((state + 0.5) / 256.0, 0.5));
    vec4 rim = texture2D(u_palette, vec2((state + 0.5) / 256.0, 5.0 / 6.0));
    float halo = style.b * 255.0 / WIDTH_UNIT * u_scale * (1.0 - nucleus);
    float dashed = style.a * (1.0 - nucleus) * (1.0 - dot_) * step(halo, 0.5) * u_doubt;
    float width = style.r * 255.0 / WIDTH_UNIT * u_scale;
    // a nucleus is drawn thin and without casing, so that the chromatin under it stays readable
    v_colour.a *= mix(1.0, 0.8, nucleus);
    width = mix(width, min(width, 1.25 * u_scale), nucleus);
    float half_width = mix(0.5 * width, max(u_dot, 1.25 * u_scale) + 0.25 * width, dot_);
    v_rim = vec2(rim.r * 255.0 / WIDTH_UNIT * u_scale * step(halo, 0.5), rim.g);
    float reach = half_width + u_scale + v_rim.x + 1.0;
    if (u_pass < 1.5) { reach += halo + u_scale; }
    else { reach += dashed * (2.5 * u_scale + half_width + u_scale); }

    vec2 start = framebuffer(a_ends.xy), stop = framebuffer(a_ends.zw);
    float span = length(stop - start);
    vec2 ahead = direction(stop - start, vec2(1.0, 0.0));
    vec2 aside = vec2(-ahead.y, ahead.x);
    vec2 place;
    if (dot_ > 0.5) {
        place = start + (ahead * (a_corner.x * 2.0 - 1.0) + aside * a_corner.y) * reach;
    } else {
        // joints are mitred, so that neighbouring segments meet without overlap and opacity stays even
        vec2 end = a_corner.x < 0.5 ? start : stop;
        vec2 next = a_corner.x < 0.5 ? start - framebuffer(a_beyond.xy) : framebuffer(a_beyond.zw) - stop;
        vec2 other = direction(next, ahead);
        vec2 joint = direction(aside + vec2(-other.y, other.x), aside);
        place = end + joint * a_corner.y * reach / max(dot(joint, aside), 0.4);
    }
    float along = dot(place - start, ahead), across = dot(place - start, aside);
    float map_scale = span / max(length(a_ends.zw - a_ends.xy), 1e-6);
    v_local = vec4(along, across * sign(a_tags.y) * u_flip, dot_, a_tags.z * map_scale + along);
    v_style = vec4(half_width, style.g, halo, dashed);
    gl_Position = $to_clip(vec4(place, 0.0, 1.0));
}
"""
)

FRAGMENT = """
uniform float u_scale;
uniform float u_pass;
varying vec4 v_colour;
varying vec4 v_local;
varying vec4 v_style;
varying vec2 v_rim;

float cover(float distance, float half_width) { return clamp(half_width - distance + 0.5, 0.0, 1.0); }

void main() {
    float off = v_local.z > 0.5 ? length(v_local.xy) : abs(v_local.y);
    float half_width = v_style.x;
    float halo = v_style.z;
    float dash = v_style.w;
    float casing = half_width + u_scale;
    // the second ring of a doubtful cell: dashes outside the line
    float ring = abs(v_local.y - (casing + 2.5 * u_scale));
    float middle = 2.5 * u_scale - abs(mod(v_local.w, 8.0 * u_scale) - 2.5 * u_scale);
    if (u_pass < 0.5) {
        gl_FragColor = vec4(0.06, 0.06, 0.08, cover(off, casing + halo + u_scale));
    } else if (u_pass < 1.5) {
        gl_FragColor = vec4(1.0, 1.0, 1.0, cover(off, casing + halo));
    } else if (u_pass < 2.5) {
        float cased = dash * cover(ring, casing) * clamp(middle + 1.5 * u_scale, 0.0, 1.0);
        float inner = max(cover(off, casing), cased);
        float outer = max(cover(off, casing + v_rim.x), cased);
        gl_FragColor = vec4(mix(vec3(v_rim.y), vec3(v_style.y), inner), outer);
    } else {
        float line = max(cover(off, half_width), dash * cover(ring, half_width) * clamp(middle + 0.5, 0.0, 1.0));
        gl_FragColor = vec4(v_colour.rgb, v_colour.a * line);
        if (u_pass > 3.5) {
            float cased = dash * cover(ring, casing) * clamp(middle + 1.5 * u_scale, 0.0, 1.0);
            vec3 under = mix(vec3(v_rim.y), vec3(v_style.y), max(cover(off, casing), cased));
            gl_FragColor = vec4(mix(under, v_colour.rgb, line), max(cover(off, casing + v_rim.x), cased));
        }
    }
    if (gl_FragColor.a < 0.01) discard;
}
"""
