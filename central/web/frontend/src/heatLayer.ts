/** The heat picture as one MapLibre layer: gray levels in a one-byte texture, coloured by a table in the shader. */

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibreMap } from "maplibre-gl";
import { mercator, type Grid } from "./grid";

const VERTEX = `#version 300 es
in vec2 a_uv;
uniform mat4 u_matrix;
uniform vec2 u_ne, u_se, u_sw;
out vec2 v_uv;
void main() {
  float u = a_uv.x, v = a_uv.y;
  vec2 p = u_ne * u * (1.0 - v) + u_se * u * v + u_sw * (1.0 - u) * v;
  gl_Position = u_matrix * vec4(p, 0.0, 1.0);
  v_uv = a_uv;
}`;

// Neighbours are blended before colouring, and only those that hold a value, so that walls stay sharp.
const FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D u_gray;
uniform sampler2D u_table;
uniform float u_opacity;
in vec2 v_uv;
out vec4 colour;
float gray(ivec2 cell, ivec2 size) { return texelFetch(u_gray, clamp(cell, ivec2(0), size - 1), 0).r * 255.0; }
void main() {
  ivec2 size = textureSize(u_gray, 0);
  vec2 place = v_uv * vec2(size);
  if (gray(ivec2(place), size) < 0.5) discard;
  vec2 f = fract(place - 0.5);
  ivec2 cell = ivec2(floor(place - 0.5));
  vec4 g = vec4(gray(cell, size), gray(cell + ivec2(1, 0), size),
                gray(cell + ivec2(0, 1), size), gray(cell + ivec2(1, 1), size));
  vec4 weight = vec4((1.0 - f.x) * (1.0 - f.y), f.x * (1.0 - f.y), (1.0 - f.x) * f.y, f.x * f.y) * step(0.5, g);
  float level = dot(weight, g) / max(dot(weight, vec4(1.0)), 1e-6);
  vec3 rgb = texture(u_table, vec2((level + 0.5) / 256.0, 0.5)).rgb;
  colour = vec4(rgb * u_opacity, u_opacity);
}`;

interface Picture {
  readonly grid: Grid;
  readonly table: Uint8Array<ArrayBuffer>;
}

interface Gpu {
  readonly program: WebGLProgram;
  readonly vertices: WebGLVertexArrayObject;
  readonly gray: WebGLTexture;
  readonly table: WebGLTexture;
  readonly uniform: (name: string) => WebGLUniformLocation | null;
}

export class HeatLayer implements CustomLayerInterface {
  readonly id = "heat";
  readonly type = "custom";
  readonly renderingMode = "2d";
  private map: MapLibreMap | null = null;
  private gpu: Gpu | null = null;
  private picture: Picture | null = null;
  private uploaded: Picture | null = null;
  private opacity = 0.8;

  /** Replaces the picture in one step: the old one stays until the new one is on the graphics card. */
  show(grid: Grid, table: Uint8Array<ArrayBuffer>): void {
    this.picture = { grid, table };
    this.map?.triggerRepaint();
  }

  setOpacity(opacity: number): void {
    this.opacity = opacity;
    this.map?.triggerRepaint();
  }

  onAdd(map: MapLibreMap): void {
    this.map = map;
    // A lost graphics context takes textures along; the bytes are still here and go up again.
    map.on("webglcontextlost", this.forgetGpu);
  }

  onRemove(map: MapLibreMap): void {
    map.off("webglcontextlost", this.forgetGpu);
    this.forgetGpu();
    this.map = null;
  }

  private readonly forgetGpu = (): void => {
    this.gpu = null;
    this.uploaded = null;
  };

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (this.picture === null || this.opacity === 0) return;
    this.gpu ??= createGpu(gl);
    const { program, vertices, gray, table, uniform } = this.gpu;
    if (this.uploaded !== this.picture) {
      upload(gl, gray, table, this.picture);
      this.uploaded = this.picture;
    }
    const [nw, ne, se, sw] = this.picture.grid.corners.map(mercator) as [Point, Point, Point, Point];
    gl.useProgram(program);
    gl.uniformMatrix4fv(uniform("u_matrix"), false, moved(input.defaultProjectionData.mainMatrix, nw));
    gl.uniform2f(uniform("u_ne"), ne[0] - nw[0], ne[1] - nw[1]);
    gl.uniform2f(uniform("u_se"), se[0] - nw[0], se[1] - nw[1]);
    gl.uniform2f(uniform("u_sw"), sw[0] - nw[0], sw[1] - nw[1]);
    gl.uniform1f(uniform("u_opacity"), this.opacity);
    gl.uniform1i(uniform("u_gray"), 0);
    gl.uniform1i(uniform("u_table"), 1);
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, table);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, gray);
    gl.bindVertexArray(vertices);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    gl.bindVertexArray(null);
  }
}

type Point = readonly [number, number];

/**
 * The matrix with its origin moved to a place of the world. In double precision: seven digits of a float32 are
 * metres on the scale of the world, and the picture would tremble.
 */
function moved(matrix: ArrayLike<number>, [x, y]: Point): Float32Array {
  const out = Float64Array.from(matrix);
  for (let row = 0; row < 4; row++) {
    out[12 + row] = matrix[row]! * x + matrix[4 + row]! * y + matrix[12 + row]!;
  }
  return Float32Array.from(out);
}

function upload(gl: WebGL2RenderingContext, gray: WebGLTexture, table: WebGLTexture, picture: Picture): void {
  const { width, height, data } = picture.grid.image;
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.activeTexture(gl.TEXTURE0);
  gl.bindTexture(gl.TEXTURE_2D, gray);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, width, height, 0, gl.RED, gl.UNSIGNED_BYTE, data);
  setFilter(gl, gl.NEAREST);
  gl.bindTexture(gl.TEXTURE_2D, table);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, picture.table);
  setFilter(gl, gl.LINEAR);
}

function setFilter(gl: WebGL2RenderingContext, filter: number): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}

function createGpu(gl: WebGL2RenderingContext): Gpu {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`heat layer: ${gl.getProgramInfoLog(program)}`);
  }
  const vertices = gl.createVertexArray();
  gl.bindVertexArray(vertices);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  const slot = gl.getAttribLocation(program, "a_uv");
  gl.enableVertexAttribArray(slot);
  gl.vertexAttribPointer(slot, 2, gl.FLOAT, false, 0, 0);
  gl.bindVertexArray(null);
  const known = new Map<string, WebGLUniformLocation | null>();
  const uniform = (name: string): WebGLUniformLocation | null => {
    if (!known.has(name)) known.set(name, gl.getUniformLocation(program, name));
    return known.get(name)!;
  };
  return { program, vertices, gray: gl.createTexture(), table: gl.createTexture(), uniform };
}
