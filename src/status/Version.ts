/** The version of the package and of the program: the one in package.json, which a test holds. */
export const version = "0.1.0"
